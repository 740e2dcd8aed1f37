import hashlib
import socket
import threading

import pytest

from specframe.data import DataError, files
from specframe.data.files import DataFile, fetch, find, obtain

CONTENT = bytes(range(256)) * 1000


def data_file(*urls, content=CONTENT, name="digits.bin", **other):
    fields = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), **other}
    return DataFile(name, urls=urls, aliases=("digits",), **fields)


def put(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"local")
    return folder


A, B = data_file(name="a.gz"), data_file(name="b.gz")


# ---- the search ------------------------------------------------------------------------------------------------


def test_folder_itself_and_its_subfolder_are_searched(tmp_path):
    put(tmp_path / "one", "a.gz")
    put(tmp_path / "two" / "set", "a.gz")
    assert find("set", [A], tmp_path / "one") == [tmp_path / "one" / "a.gz"]
    assert find("set", [A], str(tmp_path / "two")) == [tmp_path / "two" / "set" / "a.gz"]


def test_other_names_of_a_file_are_accepted(tmp_path):
    assert find("set", [data_file()], put(tmp_path, "digits")) == [tmp_path / "digits"]


def test_given_folder_is_the_only_one_searched(tmp_path, cache, monkeypatch):
    put(cache, "a.gz")
    monkeypatch.setenv("SPECFRAME_DATA", str(put(tmp_path / "env", "a.gz")))
    with pytest.raises(DataError, match=r"lacks a\.gz"):
        find("set", [A], put(tmp_path / "given"))


def test_environment_comes_before_the_cache(tmp_path, cache, monkeypatch):
    put(cache / "set", "a.gz")
    assert find("set", [A]) == [cache / "set" / "a.gz"]
    monkeypatch.setenv("SPECFRAME_DATA", str(put(tmp_path / "env", "a.gz")))
    assert find("set", [A]) == [tmp_path / "env" / "a.gz"]


def test_environment_without_the_files_falls_through_to_the_cache(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("SPECFRAME_DATA", str(tmp_path / "nowhere"))
    put(cache, "a.gz")
    assert find("set", [A]) == [cache / "a.gz"]


def test_cache_is_in_the_home_folder_without_xdg(tmp_path, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert files.cache_folder() == tmp_path / ".cache" / "specframe"


def test_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    put(tmp_path / "sets", "a.gz")
    assert find("set", [A], "~/sets") == [tmp_path / "sets" / "a.gz"]


def test_files_of_a_set_are_never_taken_from_two_folders(tmp_path, cache, monkeypatch):
    monkeypatch.setenv("SPECFRAME_DATA", str(put(tmp_path / "env", "a.gz")))
    put(cache, "a.gz", "b.gz")
    assert find("set", [A, B]) == [cache / "a.gz", cache / "b.gz"]


def test_message_says_what_each_folder_lacks(tmp_path):
    put(tmp_path, "a.gz")
    with pytest.raises(DataError) as caught:
        find("set", [A, B], tmp_path)
    assert str(caught.value) == (
        f"no folder with the set files: {tmp_path} lacks b.gz, {tmp_path / 'set'} is not a folder"
    )


def test_folder_named_like_the_file_is_no_file(tmp_path):
    (tmp_path / "a.gz").mkdir()
    with pytest.raises(DataError, match=r"lacks a\.gz"):
        find("set", [A], tmp_path)


def test_unpacked_form_does_instead(tmp_path):
    forms = [["in/one", "in/two"], ["one", "two"]]
    put(tmp_path / "set", "one", "two")
    assert find("set", [A], tmp_path, forms) == [tmp_path / "set" / "one", tmp_path / "set" / "two"]
    put(tmp_path / "set" / "in", "one")
    assert find("set", [A], tmp_path, forms)[0] == tmp_path / "set" / "one"  # never from two forms
    put(tmp_path / "set" / "in", "two")
    assert find("set", [A], tmp_path, forms)[0] == tmp_path / "set" / "in" / "one"
    put(tmp_path / "set", "a.gz")
    assert find("set", [A], tmp_path, forms) == [tmp_path / "set" / "a.gz"]


def test_part_of_the_unpacked_form_does_not(tmp_path):
    with pytest.raises(DataError, match=r"lacks a\.gz"):
        find("set", [A], put(tmp_path, "one"), [["one", "two"]])


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"\0"], ids=["size", "bytes"])
def test_other_checksum_is_said_once_in_one_line(tmp_path, capsys, content):
    path = tmp_path / "digits.bin"
    path.write_bytes(content)
    files.notice_other_checksum(path, data_file())
    files.notice_other_checksum(path, data_file())
    assert capsys.readouterr().err == (
        f"{path}: not the published file (another SHA-256), but its structure is right: used\n"
    )


def test_published_checksum_is_not_worth_a_word(tmp_path, capsys):
    path = tmp_path / "digits.bin"
    path.write_bytes(CONTENT)
    files.notice_other_checksum(path, data_file())
    assert capsys.readouterr().err == ""


# ---- the download ----------------------------------------------------------------------------------------------


def test_good_file_is_stored_whole_and_alone(mirror, tmp_path):
    mirror.files["/digits.bin"] = CONTENT
    path = fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "digits.bin"
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


def test_downloaded_file_is_found_the_next_time(mirror, cache):
    mirror.files["/digits.bin"] = CONTENT
    file = data_file(f"{mirror.url}/digits.bin")
    assert obtain("set", [file]) == obtain("set", [file]) == [cache / "set" / "digits.bin"]
    assert mirror.requests == ["/digits.bin"]


def test_only_what_the_cache_lacks_is_downloaded(mirror, cache):
    mirror.files["/b.gz"] = CONTENT
    put(cache / "set", "a.gz")
    obtain("set", [A, data_file(f"{mirror.url}/b.gz", name="b.gz")])
    assert mirror.requests == ["/b.gz"]


def test_second_mirror_serves_when_the_first_has_no_such_file(mirror, tmp_path):
    mirror.files["/two/digits.bin"] = CONTENT
    urls = f"{mirror.url}/one/digits.bin", f"{mirror.url}/two/digits.bin"
    assert fetch(data_file(*urls), tmp_path).read_bytes() == CONTENT
    assert mirror.requests == ["/one/digits.bin", "/two/digits.bin"]


def test_each_mirror_is_asked_once_and_its_reason_given(mirror, tmp_path):
    mirror.files["/two"] = b"short"
    with pytest.raises(DataError) as caught:
        fetch(data_file(f"{mirror.url}/one", f"{mirror.url}/two"), tmp_path)
    assert str(caught.value) == (
        f"digits.bin cannot be downloaded: {mirror.url}/one: HTTP status 404;"
        f" {mirror.url}/two: expected {len(CONTENT)} bytes, got 5"
    )
    assert mirror.requests == ["/one", "/two"]


def cut_off(handler):
    """Promise everything, send half, hang up."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(CONTENT)))
    handler.end_headers()
    handler.wfile.write(CONTENT[: len(CONTENT) // 2])


def no_http(handler):
    handler.wfile.write(b"what?\r\n\r\n")


@pytest.mark.parametrize(
    ("served", "reason"),
    [
        (CONTENT[:-1] + b"\0", "expected SHA-256 "),
        (CONTENT[:-1], f"expected {len(CONTENT)} bytes, got {len(CONTENT) - 1}"),
        (CONTENT * 2, f"expected {len(CONTENT)} bytes, got more"),
        (cut_off, str(len(CONTENT) // 2)),
        (no_http, "what?"),
    ],
    ids=["wrong_checksum", "too_short", "too_long", "cut_off", "no_http"],
)
def test_bad_transfer_says_why_and_leaves_nothing_behind(mirror, tmp_path, served, reason):
    mirror.files["/digits.bin"] = served
    with pytest.raises(DataError) as caught:
        fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path)
    assert reason in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_refused_connection_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as bound:  # bound but not listening: nobody else can take the port, and nobody answers
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(DataError, match="refused"):
            fetch(data_file(f"http://127.0.0.1:{bound.getsockname()[1]}/digits.bin"), tmp_path)


def test_silent_mirror_is_given_up_after_the_timeout(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "CONNECT_TIMEOUT", 0.05)
    release = threading.Event()

    def silent(handler):
        release.wait(5)
        handler.send_error(503)

    mirror.files["/digits.bin"] = silent
    try:
        with pytest.raises(DataError, match=r"no answer in 0\.05 s"):
            fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path)
    finally:
        release.set()
        for thread in threading.enumerate():
            if thread.name == "specframe connect":
                thread.join(5)


class Response:
    """Stands in for an open transfer; `on_chunk(n)` is called before chunk n is handed out, without an end."""

    def __init__(self, on_chunk):
        self.on_chunk, self.chunks = on_chunk, 0

    def read(self, size):
        self.on_chunk(self.chunks)
        self.chunks += 1
        return bytes(size)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


def test_interrupt_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(chunk):
        if chunk == 2:
            assert len(list(tmp_path.iterdir())) == 1  # the part file is there now
            raise KeyboardInterrupt

    monkeypatch.setattr(files, "_open", lambda url: Response(interrupt))
    with pytest.raises(KeyboardInterrupt):
        fetch(data_file("http://unused"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_endless_transfer_is_cut_at_the_published_size(tmp_path, monkeypatch):
    def count(chunk):
        assert chunk < 10

    monkeypatch.setattr(files, "_open", lambda url: Response(count))
    with pytest.raises(DataError, match="got more"):
        fetch(data_file("http://unused"), tmp_path)


def test_failed_download_keeps_the_file_that_was_there(mirror, tmp_path):
    put(tmp_path, "digits.bin")
    mirror.files["/digits.bin"] = b"bad"
    with pytest.raises(DataError):
        fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == b"local"


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(DataError, match=r"taken: the folder for downloads cannot be made"):
        fetch(data_file("http://unused"), tmp_path / "taken")


@pytest.mark.parametrize("settings", [{"data_dir": "given"}, {"download": False}])
def test_nothing_is_downloaded_unasked(mirror, tmp_path, monkeypatch, settings):
    monkeypatch.chdir(tmp_path)
    mirror.files["/digits.bin"] = CONTENT
    with pytest.raises(DataError, match=r"lacks digits\.bin|is not a folder"):
        obtain("set", [data_file(f"{mirror.url}/digits.bin")], **settings)
    assert mirror.requests == []
