import pytest

from specframe.data import DataError, files
from specframe.data.files import find, obtain
from tests.data.samples import CONTENT, data_file


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
    put(tmp_path / "set", "c.gz")
    with pytest.raises(DataError) as caught:
        find("set", [A, B], tmp_path)
    assert str(caught.value) == (
        f"no folder with the set files: {tmp_path / 'set'} lacks a.gz and b.gz, {tmp_path} lacks b.gz"
    )


def test_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no folder with the set files: .*nowhere is not a folder$"):
        find("set", [A], tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("emnist-digits-train-images-idx3-ubyte.gz", "EMNIST"),
        ("mnist.npz", "Keras's MNIST"),
        ("cifar-10-matlab.tar.gz", "MATLAB"),
        ("train-00000-of-00001.parquet", "Parquet"),
        ("training.pt", "PyTorch"),
    ],
)
def test_same_data_in_another_packing_is_named(tmp_path, name, what):
    with pytest.raises(DataError, match=rf"lacks a\.gz \(it holds {name}: {what}.*, which is not read\)$"):
        find("set", [A], put(tmp_path, "notes.txt", name))


def test_subfolder_comes_before_the_folder_itself(tmp_path):
    put(tmp_path, "a.gz")
    put(tmp_path / "Set" / "raw", "a.gz")
    assert find("set", [A], tmp_path, also=["Set/raw"]) == [tmp_path / "Set" / "raw" / "a.gz"]
    put(tmp_path / "set", "a.gz")
    assert find("set", [A], tmp_path, also=["Set/raw"]) == [tmp_path / "set" / "a.gz"]


def test_home_that_is_unknown_is_a_sentence(monkeypatch, tmp_path):
    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(files.Path, "home", unknown)
    with pytest.raises(DataError, match="no home folder to keep downloads in: set XDG_CACHE_HOME"):
        find("set", [A])
    assert find("set", [A], put(tmp_path, "a.gz"))


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


# ---- and what it finds nowhere ----------------------------------------------------------------------------------


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


@pytest.mark.parametrize("settings", [{"data_dir": "given"}, {"download": False}])
def test_nothing_is_downloaded_unasked(mirror, tmp_path, monkeypatch, settings):
    monkeypatch.chdir(tmp_path)
    mirror.files["/digits.bin"] = CONTENT
    with pytest.raises(DataError, match=r"lacks digits\.bin|is not a folder"):
        obtain("set", [data_file(f"{mirror.url}/digits.bin")], **settings)
    assert mirror.requests == []
