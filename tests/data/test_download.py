import contextlib
import errno
import socket
import subprocess
import sys
import threading

import pytest

from specframe.data import DataError, download
from specframe.data.download import fetch
from tests.data.samples import CONTENT, data_file


def test_good_file_is_stored_whole_and_alone(mirror, tmp_path):
    mirror.files["/digits.bin"] = CONTENT
    path = fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "digits.bin"
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


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
        f" {mirror.url}/two: expected {len(CONTENT)} bytes, got 5;"
        " if you have it, name its folder: data_dir, or $SPECFRAME_DATA"
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


@pytest.fixture
def release():
    """An event that a stubborn mirror waits for; set at the end, and the threads left behind are waited for."""
    event = threading.Event()
    yield event
    event.set()
    for thread in threading.enumerate():
        if thread.name == "specframe download":
            thread.join(5)


def test_silent_mirror_is_given_up(mirror, tmp_path, monkeypatch, release):
    monkeypatch.setattr(download, "CONNECT_TIMEOUT", 0.05)

    def silent(handler):
        release.wait(5)
        handler.send_error(503)

    mirror.files["/digits.bin"] = silent
    with pytest.raises(DataError, match=r"no answer in 0\.05 s"):
        fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path)


@pytest.mark.parametrize("chunked", [False, True])
def test_mirror_that_dribbles_is_given_up_and_the_next_one_asked(mirror, tmp_path, monkeypatch, release, chunked):
    monkeypatch.setattr(download, "READ_TIMEOUT", 0.1)

    def dribble(handler):  # never still for long, so that no time-out of a socket ends it
        handler.send_response(200)
        kind = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(len(CONTENT)))
        handler.send_header(*kind)
        handler.end_headers()
        with contextlib.suppress(OSError):
            while not release.wait(0.01):
                handler.wfile.write(b"0")  # of the content, or of an endless chunk size

    mirror.files |= {"/slow": dribble, "/good": CONTENT}
    file = data_file(f"{mirror.url}/slow", f"{mirror.url}/good")
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    with pytest.raises(DataError, match=r"slow: fewer than 65536 bytes in 0\.1 s"):
        fetch(data_file(f"{mirror.url}/slow"), tmp_path)


def redirect(target):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    return answer


def chunks(text):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(text)

    return answer


def raw(text):
    return lambda handler: handler.wfile.write(text)


@pytest.mark.parametrize(
    "answer",
    [
        redirect("http://[::1/x"),
        redirect("http://"),
        redirect("http://a..b/"),
        redirect("http://127.0.0.1:99999/"),
        redirect("http://127.0.0.1:port/"),
        redirect("http://127.0.0.1/a b\x7f"),
        redirect("file:///etc/passwd"),
        redirect("data:text/plain,hello"),
        redirect("digits.bin"),
        chunks(b"-5\r\nhello\r\n"),
        chunks(b"xyz\r\n"),
        chunks(b"f" * 70_000),
        raw(b"HTTP/1.1 2000000000000000000000 OK\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: -7\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n"),
        raw(b"\xff\xfe\x00"),
        raw(b""),
    ],
)
def test_malformed_answer_goes_on_to_the_next_mirror(mirror, tmp_path, answer):
    mirror.files |= {"/digits.bin": answer, "/good": CONTENT}
    file = data_file(f"{mirror.url}/digits.bin", f"{mirror.url}/good")
    assert fetch(file, tmp_path).read_bytes() == CONTENT
    with pytest.raises(DataError) as caught:
        fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 500


@pytest.mark.parametrize("proxy", [None, "http://127.0.0.1:9"])
def test_redirect_to_ftp_is_refused(mirror, tmp_path, monkeypatch, proxy):
    if proxy:
        monkeypatch.delenv("no_proxy")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        monkeypatch.setenv("ftp_proxy", proxy)
    mirror.files["/digits.bin"] = redirect("ftp://example.org/digits.bin")
    with pytest.raises(DataError, match="unknown url type: ftp"):
        fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path)


class Response:
    """Stands in for an open transfer; `on_block(n)` is called before block n is handed out, without an end."""

    def __init__(self, on_block):
        self.on_block, self.blocks = on_block, 0

    def block(self):
        self.on_block(self.blocks)
        self.blocks += 1
        return bytes(download.BLOCK)

    def close(self):
        pass


def test_interrupt_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(block):
        if block == 2:
            assert len(list(tmp_path.iterdir())) == 1  # the part file is there now
            raise KeyboardInterrupt

    monkeypatch.setattr(download, "_Stream", lambda url: Response(interrupt))
    with pytest.raises(KeyboardInterrupt):
        fetch(data_file("http://unused"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_by_the_next(mirror, tmp_path):
    script = f"""
import pathlib, sys, time
from specframe.data import download
from specframe.data.published import DataFile

class Stuck:
    def __init__(self, url): pass
    def close(self): pass
    def block(self):
        print("here", flush=True)
        time.sleep(60)

download._Stream = Stuck
download.fetch(DataFile("digits.bin", 5, "", ("http://unused",)), pathlib.Path({str(tmp_path)!r}))
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"here\n"
        mirror.files["/digits.bin"] = CONTENT
        file = data_file(f"{mirror.url}/digits.bin")
        assert len(parts(tmp_path)) == 1
        fetch(file, tmp_path)
        assert len(parts(tmp_path)) == 1, "the part of a run that goes on was removed"
        other.kill()
        other.wait()
    assert len(parts(tmp_path)) == 1
    fetch(file, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["digits.bin"]


def parts(folder):
    return list(folder.glob(".digits.bin.*.part"))


def test_full_disk_is_named_and_no_other_mirror_is_asked(mirror, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    mirror.files["/digits.bin"] = CONTENT
    monkeypatch.setattr(download.os, "fsync", full)
    with pytest.raises(DataError, match=r"\.digits\.bin\..*\.part: cannot be written: No space left on device"):
        fetch(data_file(f"{mirror.url}/digits.bin", f"{mirror.url}/digits.bin"), tmp_path)
    assert list(tmp_path.iterdir()) == [] and len(mirror.requests) == 1


def test_closed_stderr_is_no_hindrance(mirror, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    mirror.files["/digits.bin"] = CONTENT
    assert fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path).read_bytes() == CONTENT


def test_endless_transfer_is_cut_at_the_published_size(tmp_path, monkeypatch):
    def count(block):
        assert block < 10

    monkeypatch.setattr(download, "_Stream", lambda url: Response(count))
    with pytest.raises(DataError, match="got more"):
        fetch(data_file("http://unused"), tmp_path)


def test_failed_download_keeps_the_file_that_was_there(mirror, tmp_path):
    (tmp_path / "digits.bin").write_bytes(b"local")
    mirror.files["/digits.bin"] = b"bad"
    with pytest.raises(DataError):
        fetch(data_file(f"{mirror.url}/digits.bin"), tmp_path)
    assert (tmp_path / "digits.bin").read_bytes() == b"local"


def test_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "taken").touch()
    with pytest.raises(DataError, match=r"taken: the folder for downloads cannot be made"):
        fetch(data_file("http://unused"), tmp_path / "taken")
