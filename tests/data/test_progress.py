import io
import sys

import pytest

from specframe.data import progress


class Broken(io.StringIO):
    """A stderr on a full disk, or at the end of a pipe that nobody reads."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    def write(self, text):
        raise self.error


@pytest.mark.parametrize(
    "stderr", [None, Broken(OSError(28, "No space left")), Broken(BrokenPipeError()), Broken(ValueError())]
)
def test_what_cannot_be_said_stops_nothing(monkeypatch, stderr):
    monkeypatch.setattr(sys, "stderr", stderr)
    progress.say("a notice")
    with progress.bar(10, "name", "B") as bar:
        bar.update(5)


def test_notice_is_one_line_on_stderr(capsys):
    progress.say("a notice")
    assert capsys.readouterr() == ("", "a notice\n")


def test_bar_is_for_terminals_only(monkeypatch):
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    with progress.bar(10, "name", "B") as bar:
        bar.update(5)
    assert stderr.getvalue() == ""
    stderr.isatty = lambda: True
    with progress.bar(10, "name", "B") as bar:
        bar.update(5)
    assert "name: " in stderr.getvalue()
