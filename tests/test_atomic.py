"""write_atomically: the old file or the new one, in its place and with its mode; nothing beside it."""

import errno
import os
import resource
import stat
import threading

import numpy as np
import pytest

from specframe import atomic
from specframe.atomic import write_atomically
from specframe.training import load_checkpoint, save_checkpoint


def write(path, content=b"new"):
    write_atomically(path, lambda file: file.write(content))


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture
def umask():
    """Sets the umask for a test; the one before comes back."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, MemoryError])
def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, error):
    write(tmp_path / "file", b"old")

    def fail(file):
        file.write(b"half")
        raise error

    with pytest.raises(error):
        write_atomically(tmp_path / "file", fail)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_folders_are_made(tmp_path):
    write(tmp_path / "a" / "b" / "file")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"new"


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_mode_of_any_new_file(tmp_path, umask, mask):
    umask(mask)
    write(tmp_path / "file")
    (tmp_path / "plain").write_text("")
    assert mode(tmp_path / "file") == mode(tmp_path / "plain")


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o755])
def test_a_file_that_exists_keeps_its_mode(tmp_path, kept):
    (tmp_path / "file").write_text("old")
    os.chmod(tmp_path / "file", kept)
    write(tmp_path / "file")
    assert mode(tmp_path / "file") == kept


def test_the_umask_is_that_of_the_process_throughout(tmp_path, umask, monkeypatch):
    monkeypatch.setattr(os, "umask", lambda mask: pytest.fail("the umask is that of all threads"))
    write(tmp_path / "file")


@pytest.mark.parametrize("target", ["there", "not yet there"])
def test_a_symbolic_link_stays_and_what_it_points_to_is_written(tmp_path, target):
    (tmp_path / "disk").mkdir()
    (tmp_path / "there").write_text("old")
    os.symlink(tmp_path / "disk" / target, tmp_path / "link")
    write(tmp_path / "link")
    assert os.path.islink(tmp_path / "link")
    assert (tmp_path / "disk" / target).read_bytes() == b"new"
    assert os.listdir(tmp_path / "disk") == [target]


def test_a_folder_or_a_device_is_not_replaced(tmp_path):
    for path in (tmp_path, "/dev/null"):
        with pytest.raises(OSError, match="expected a file, found a folder or a device") as caught:
            write(path)
        assert caught.value.filename == str(path)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


# ---- errors name the file ---------------------------------------------------------------------------------------


def test_a_full_disk_is_named_with_the_file(tmp_path):
    path = tmp_path / "checkpoint.npz"
    save_checkpoint(path, {"n": 1})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))  # the system's own "no more room"
    try:
        with pytest.raises(OSError, match=r"checkpoint\.npz") as caught:
            save_checkpoint(path, {"w": np.ones(2**16)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (caught.value.filename, caught.value.errno) == (str(path), errno.EFBIG)
    assert load_checkpoint(path) == {"n": 1} and os.listdir(tmp_path) == ["checkpoint.npz"]


@pytest.mark.parametrize("place", ["x" * 300, "file/inside"])
def test_a_path_that_cannot_be_written_is_named(tmp_path, place):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=place):
        write(tmp_path / place)


def test_a_long_name_that_the_system_allows_is_written(tmp_path):
    write(tmp_path / ("x" * 255))
    assert os.listdir(tmp_path) == ["x" * 255]


def test_an_error_about_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        write_atomically(tmp_path / "file", lambda file: open(tmp_path / "elsewhere"))


# ---- temporary files of writers that were killed ----------------------------------------------------------------


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    abandoned = tmp_path / f".specframe-{'0' * 16}.part"
    others = [tmp_path / name for name in (".specframe-notes.part", f"specframe-{'0' * 16}.part", ".file.part")]
    for path in (abandoned, *others):
        path.write_text("half")
    write(tmp_path / "file")
    assert set(os.listdir(tmp_path)) == {"file", *(path.name for path in others)}


def test_the_temporary_file_of_a_live_writer_stays(tmp_path):
    """Writers of one process hold locks on open files of their own, as those of two processes do."""

    def meanwhile(file):
        write(tmp_path / "other")
        file.write(b"new")

    write_atomically(tmp_path / "file", meanwhile)
    assert (tmp_path / "file").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["file", "other"]


def test_a_temporary_file_taken_for_abandoned_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    lock, removed = atomic.fcntl.flock, []

    def late(file, operation):
        if not removed:
            removed.extend(tmp_path.iterdir())
            removed[0].unlink()
        lock(file, operation)

    monkeypatch.setattr(atomic.fcntl, "flock", late)
    write(tmp_path / "file")
    assert len(removed) == 1 and (tmp_path / "file").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


def test_threads_that_write_into_one_folder_lose_nothing(tmp_path):
    def work(number):
        for i in range(60):
            write(tmp_path / f"{number}", b"%d" % i)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {f"{i}": b"59" for i in range(4)}
