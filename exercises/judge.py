"""From a reader's file to a sentence."""

import importlib.util
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from specframe.exercises.catalogue import EXERCISES
from specframe.exercises.compare import Wrong


class Verdict(NamedTuple):
    right: bool
    sentence: str


class _Answers:
    """The names of a reader's module; one that is missing is a sentence."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        if not hasattr(self._module, name):
            raise Wrong(f"the file no longer defines {name}")
        return getattr(self._module, name)


def judge(number: int, path: Path) -> Verdict:
    """Whether the file solves the exercise, and a sentence that says so or why not, whatever the file raises."""
    exercise = EXERCISES[number]
    try:
        with np.errstate(all="ignore"):  # an overflow shows in the numbers
            return Verdict(True, f"Exercise {number} is right: {exercise.check(_Answers(_load(path)))}")
    except Wrong as wrong:
        sentence = str(wrong)
    except NotImplementedError as missing:
        where, what = _where(missing, path), str(missing) or "something is missing"
        return Verdict(False, f"Exercise {number} is not filled in yet{f', {where}' if where else ''}: {what}")
    except (Exception, SystemExit) as error:
        where, message = _where(error, path), " ".join(str(error).split())
        sentence = f"{type(error).__name__}{f' in {where}' if where else ''}: {message or 'without a message'}"
    return Verdict(False, f"Exercise {number} is not right yet: {sentence}")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("exercise", path)
    if spec is None or spec.loader is None:
        raise Wrong(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise Wrong(f"line {error.lineno} of {path.name} is not Python: {error.msg}") from None
    return module


def _where(error: BaseException, path: Path) -> str:
    """The line of the reader's file in which it happened, if it did there."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"line {lines[-1]} of {path.name}" if lines else ""
