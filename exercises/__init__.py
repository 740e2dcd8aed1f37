"""Thirty exercises in the order of the book (docs/book), each a file to fill in, with a check, a hint and a solution.

    python -m specframe.exercises list             what there is, by chapter, with difficulty and minutes
    python -m specframe.exercises start DIR        put the files to fill in into a folder
    python -m specframe.exercises check 7 [FILE]   right, or what is wrong with which array and by how much
    python -m specframe.exercises hint 7
    python -m specframe.exercises solution 7       with its derivation

`tasks/` and `solutions/` hold the files, `checks/` what decides: finite differences, sums written out, bytes counted.
"""

from specframe.exercises import checks
from specframe.exercises.catalogue import EXERCISES, Exercise
from specframe.exercises.judge import judge

__all__ = ["EXERCISES", "Exercise", "checks", "judge"]
