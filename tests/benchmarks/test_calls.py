"""benchmarks/calls.py: a forward runs through few files and calls, and the plain bodies through fewer than the fast."""

import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def calls(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))  # as running the script does
    import calls

    yield calls


@pytest.mark.parametrize(("tape", "files", "functions"), [(False, 33, 300), (True, 46, 710)])
def test_a_forward_by_the_plain_bodies_stays_short(calls, tape, files, functions):
    plain, fast = calls.count(reference=True, tape=tape), calls.count(reference=False, tape=tape)
    assert len(calls.files(plain)) <= files and plain.total() <= functions
    assert len(calls.files(plain)) < len(calls.files(fast))
    assert not any("fast" in file or "memory" in file for file, _ in plain)


def test_what_is_counted(calls):
    plain = calls.count(reference=True, tape=False)
    assert plain["models/lenet.py", "stage"] == 2 and plain["specframe/ops/linear.py", "linear"] == 3
    assert sum(calls.files(plain).values()) == plain.total()
    assert not any("comp>" in function or "genexpr" in function for _, function in plain)


def test_the_table_has_a_row_for_each_case(calls, capsys):
    calls.main(["--by", "file"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[:2] for row in rows[1:]] == [
        ["| reference", "no"], ["| fast", "no"], ["| reference", "yes"], ["| fast", "yes"],
    ]  # fmt: skip
