"""A verdict is a sentence, whatever the file holds."""

import pytest

from specframe.exercises import EXERCISES, judge

FIRST = EXERCISES[1]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("def backward(tape, loss):\n    1 / 0\n", f"ZeroDivisionError in line 2 of {FIRST.file}: division by zero"),
        ("def backward(tape, loss:\n", f"line 1 of {FIRST.file} is not Python: '(' was never closed"),
        ("def forward():\n    pass\n", "the file no longer defines backward"),
        ("raise SystemExit(0)\n", f"SystemExit in line 1 of {FIRST.file}: 0"),
        ("def backward(tape, loss):\n    backward(tape, loss)\n", f"RecursionError in line 2 of {FIRST.file}: "),
        ("backward = 3\n", "TypeError: 'int' object is not callable"),
    ],
)  # fmt: skip
def test_whatever_a_file_raises_is_a_sentence(tmp_path, code, sentence):
    file = tmp_path / FIRST.file
    file.write_text(code)
    right, said = judge(1, file)
    assert not right and said.startswith(f"Exercise 1 is not right yet: {sentence}") and "\n" not in said


def test_a_gradient_that_is_missing_is_named(tmp_path):
    file = tmp_path / EXERCISES[2].file
    file.write_text(EXERCISES[2].task.read_text().replace("gb = g.mean(axis=0)", "gb = None"))
    assert judge(2, file).sentence.endswith("not right yet: gb is None, expected an array of shape (3,)")


def test_a_gradient_of_another_type_is_a_sentence_that_names_the_op(tmp_path):
    file = tmp_path / EXERCISES[2].file
    file.write_text(EXERCISES[2].task.read_text().replace("g.mean(axis=0)", "g.sum(axis=0).astype('f4')"))
    assert "add_row" in judge(2, file).sentence and "float32" in judge(2, file).sentence


def test_a_modified_input_is_named(tmp_path):
    file = tmp_path / EXERCISES[2].file
    text = EXERCISES[2].solution.read_text().replace("return x + b", "x += b\n        return x.copy()")
    file.write_text(text)
    assert judge(2, file).sentence.endswith("not right yet: x was changed by the forward or the backward")


def test_what_is_not_written_yet_is_no_mistake(tmp_path):
    file = tmp_path / FIRST.file
    file.write_text("def backward(tape, loss):\n    raise NotImplementedError\n")
    assert judge(1, file) == (False, f"Exercise 1 is not filled in yet, line 2 of {FIRST.file}: something is missing")
