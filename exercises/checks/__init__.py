"""What decides, a module a chapter. Importing them fills the catalogue, in the order of the book."""

from specframe.exercises.checks import c01_tape

__all__ = ["c01_tape"]
