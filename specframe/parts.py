"""Of which batch is what runs here a part?

A batch may go through a net in parts: in slices one after another (memory/slices.py), or on several processes beside
each other (training/parallel). What an op sums over the batch must then go over all parts, and what it draws must be
its part of the draw for the whole batch.

Whoever cuts a batch puts itself on the stack of this thread while a part runs; ops ask through their Context. Cuts
nest: where a slice of a rank's part runs, the rank is outside and the slice inside.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from specframe.nested import Nested


class Part(Protocol):
    """The running part: the images start to stop of the `whole` that were there before the cut."""

    start: int
    stop: int
    whole: int

    def total(self, part: Any, combine: Callable[[list[Any]], Any]) -> Any:
        """`combine` of the parts that all parts of the batch have come to here."""
        ...


running = Nested[Part]()


def over_batch(part: Any, combine: Callable[[list[Any]], Any]) -> Any:
    """`part` itself where the batch is whole; else what all parts make together, combine(list of parts).

    A part is an array or a number, or a tuple of such; the result of `combine` must be of the same kind.
    """
    return running.stack[-1].total(part, combine) if running.stack else part


def is_cut() -> bool:
    """Whether what runs here is one of several parts."""
    return any(part.stop - part.start != part.whole for part in running.stack)


def batch_axis(shape: Sequence[int]) -> int:
    """The third axis of maps and spectra, which have four, the first of other arrays."""
    return 2 if len(shape) == 4 else 0


def place(count: int) -> tuple[int, int]:
    """(start, whole) of an axis of `count` entries that the batch lies on: where they begin in the whole batch's axis.

    An axis with k entries an image, as after a reshape of (batch, time) into one, counts k times. One that no whole
    number of images makes does not lie on the batch: it is whole itself.
    """
    start, whole = 0, count
    for part in reversed(running.stack):
        images = part.stop - part.start
        if not images or whole % images:
            return 0, count
        each = whole // images
        start, whole = start + part.start * each, part.whole * each
    return start, whole
