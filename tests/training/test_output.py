"""Nothing that happens to the terminal costs work."""

import fcntl
import io
import os
import struct
import subprocess
import sys
import termios

import pytest

from specframe.training import load_checkpoint, say

RUN = f"{sys.executable} -m tests.training.tiny_run"


def epochs(path):
    return load_checkpoint(path)["progress"]["epoch"]


@pytest.mark.parametrize("where", ["", "| head -1", "> /dev/full", ">&-", "2>&-", ">&- 2>&-", "2> /dev/full", "| true"])
@pytest.mark.parametrize("buffered", [True, False])
def test_a_closed_or_full_output_does_not_end_a_training(tmp_path, monkeypatch, where, buffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", "" if buffered else "1")
    path = tmp_path / "c.npz"
    shell = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{RUN} {path} {where}"], capture_output=True, text=True, timeout=60
    )
    assert epochs(path) == 3
    assert (shell.returncode, shell.stderr) == (0, "")
    if not where:
        assert [line[:21] for line in shell.stdout.splitlines()] == [f"tiny      epoch {i}/3  " for i in (1, 2, 3)]


def test_a_terminal_that_goes_away_does_not_end_a_training(tmp_path):
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    command = [*RUN.split(), str(tmp_path / "c.npz"), "pause"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=theirs, stderr=theirs) as child:
        os.close(theirs)
        seen = b""
        while b"waiting" not in seen:
            seen += os.read(ours, 1000)
        os.close(ours)
        child.communicate(timeout=60)
    assert b"tiny epoch 2/3" in seen  # a bar was being drawn
    assert child.returncode == 0 and epochs(tmp_path / "c.npz") == 3


def test_a_line_is_said_at_once(monkeypatch):
    out = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    say("one")
    assert out.buffer.getvalue() == b"one\n"


def test_an_output_that_is_none_closed_or_no_file_is_no_error(monkeypatch):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError("no room")

    closed = io.StringIO()
    closed.close()
    for out in (None, closed, Full()):
        monkeypatch.setattr(sys, "stdout", out)
        say("line")
