"""python -m specframe.exercises: list, start, check, hint, solution.

Exit status: 0, 1 where an answer is not right yet, 2 where the command is not (one sentence on stderr).
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from specframe.exercises import EXERCISES, Exercise
from specframe.training.output import say

CHAPTERS = {
    1: "A tape in sixty lines", 2: "Gradients of complex numbers", 3: "The adjoint of rfft2 and irfft2",
    4: "Convolution in the spectrum", 5: "Threshold and split tanh", 6: "Pooling", 7: "Batch normalisation",
    8: "The block, and what it saves", 9: "The store", 10: "Checking", 11: "Training LeNet", 12: "Depth",
    13: "Memory", 14: "Devices and machines",
}  # fmt: skip


def show_list() -> None:
    """Print every exercise under its chapter."""
    chapter = 0
    for exercise in EXERCISES.values():
        if exercise.chapter != chapter:
            chapter = exercise.chapter
            say(f"\n{chapter}. {CHAPTERS[chapter]}")
        say(f"  {exercise.number:2}  {'*' * exercise.stars:4}  {exercise.minutes:2} min  {exercise.title}")


def start(folder: Path) -> None:
    """Copy the files to fill in; none if one of them would be overwritten."""
    for exercise in EXERCISES.values():
        if (folder / exercise.file).exists():
            raise ValueError(f"{folder / exercise.file} is there already: choose another folder, or move it away")
    folder.mkdir(parents=True, exist_ok=True)
    for exercise in EXERCISES.values():
        shutil.copyfile(exercise.task, folder / exercise.file)
    first = next(iter(EXERCISES.values()))
    say(f"{len(EXERCISES)} files are in {folder}. Begin with {first.file}, and then, in that folder:")
    say("  python -m specframe.exercises check 1")


def check(exercise: Exercise, file: Path | None, seconds: float) -> int:
    """Judge a file in another process, which a file that never ends cannot outlive; the exit status."""
    path = Path(exercise.file) if file is None else file
    if not path.is_file():
        raise ValueError(f"{path} is not here: name your file, or copy the exercises with `start DIR`")
    if not 0 < seconds < 1e6:
        raise ValueError(f"--seconds: expected a number above 0, got {seconds:g}")
    command = [sys.executable, "-m", "specframe.exercises.child", str(exercise.number), str(path.resolve())]
    try:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        say(f"Exercise {exercise.number} is not right yet: it did not end within {seconds:g} seconds")
        return 1
    if status not in (0, 1):
        say(f"Exercise {exercise.number} is not right yet: the file brought Python down (exit status {status})")
    return min(abs(status), 1)


def _exercise(text: str) -> Exercise:
    if not text.isdecimal() or int(text) not in EXERCISES:
        raise argparse.ArgumentTypeError(f"there is no exercise {text}: choose 1 to {max(EXERCISES)}")
    return EXERCISES[int(text)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m specframe.exercises", description="The exercises of the book.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every exercise, with its difficulty (* to ****) and minutes")
    begin = commands.add_parser("start", help="copy the files to fill in")
    begin.add_argument("folder", type=Path)
    for name, what in (("check", "is it right?"), ("hint", "a hint"), ("solution", "the solution, with derivation")):
        command = commands.add_parser(name, help=what)
        command.add_argument("exercise", type=_exercise, metavar="number")
        if name == "check":
            command.add_argument("file", type=Path, nargs="?", help="by default the exercise's file in this folder")
            command.add_argument("--seconds", type=float, default=60.0, help="that the file may take (60)")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    try:
        if arguments.command == "list":
            show_list()
        elif arguments.command == "start":
            start(arguments.folder)
        elif arguments.command == "check":
            return check(arguments.exercise, arguments.file, arguments.seconds)
        elif arguments.command == "hint":
            say(arguments.exercise.hint)
        else:
            say(arguments.exercise.solution.read_text(encoding="utf-8").rstrip("\n"))
    except (OSError, ValueError) as error:
        print(f"python -m specframe.exercises: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
