"""Slices of a batch that run one after another and count as one batch.

What is averaged over the batch, as the statistics of batch normalisation are, must be averaged over all slices, and the
first slice cannot know what the last one will add. So an op asks for it through `over_batch`, and

    pass 1     each slice runs up to its first call, leaves its part there, and stops      -> total 1
    pass 2     each slice runs anew, gets total 1, goes on to its second call, and stops   -> total 2
    ...        until every slice comes to its end

With n calls the work before the last one is done again up to n times; in return no more than one slice is alive. A
batch in one piece asks whoever is around at once. Its totals are kept as well: of the ranks of a parallel training some
may have more slices than others, and all must ask each other equally often.
"""

import contextlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from specframe import backend, parts
from specframe.parts import batch_axis
from specframe.tensor import Tensor


class Waiting(Exception):
    """A slice cannot go on before the others have come as far."""


class Batch:
    """One batch in slices: the totals that are known, and where the running slice stands in their order.

    Attributes
    ----------
    start, stop, whole : int, the images of the slice that is running, and how many all slices have
    """

    start = 0
    stop = whole = 1  # of a batch in one piece, which is no cut
    _next: int  # of the sum that it will ask for

    def __init__(self) -> None:
        self._totals: list[Any] = []
        self._parts: list[Any] = []
        self._alone = False

    def run(self, slices: Sequence[slice], run: Callable[[int], None]) -> None:
        """Call run(i) for each slice i of the batch until all have come to their end.

        Raises
        ------
        RuntimeError
            Some slices wait for a total and others have ended.
        """
        self._next, self._alone = 0, len(slices) == 1
        if self._alone:
            with parts.running.inside(self):
                return run(0)
        while True:
            ended = 0
            for number, images in enumerate(slices):
                self.start, self.stop, self.whole = images.start, images.stop, slices[-1].stop
                self._next = 0
                with contextlib.suppress(Waiting), parts.running.inside(self):
                    run(number)
                    ended += 1
            if ended == len(slices):
                return
            if ended:
                raise RuntimeError("checkpoint: fn asked for other sums over the batch in some slices than in others")
            gathered, self._parts = self._parts, []
            # Where this batch is itself a part of another, its total is a part of that one's.
            self._totals.append(parts.over_batch(self._combine(gathered), self._combine))

    def total(self, part: Any, combine: Callable[[list[Any]], Any]) -> Any:
        self._next += 1
        if self._next > len(self._totals):
            if not self._alone:
                self._parts.append(part)
                self._combine = combine
                raise Waiting
            with parts.running.without(self):
                self._totals.append(parts.over_batch(part, combine))
        return self._totals[self._next - 1]


# ---- cutting and joining arrays --------------------------------------------------------------------------------


def cut(array: Any, part: slice) -> Any:
    """The images `part` of an array, as a view: of its third axis where it has four, else of its first."""
    return array[(slice(None),) * batch_axis(array.shape) + (part,)]


def parts_of(tensors: Sequence[Tensor], count: int) -> list[slice]:
    """The batch of these tensors in `count` slices that differ by one image at most; fewer where it has fewer images.

    Raises
    ------
    ValueError
        More than one slice is wanted, and the tensors do not have one batch in common.
    """
    if count == 1:
        return [slice(None)]
    sizes = {tensor.shape[batch_axis(tensor.shape)] for tensor in tensors if tensor.ndim}
    if len(sizes) != 1 or not all(tensor.ndim for tensor in tensors):
        raise ValueError(
            f"checkpoint: slices need inputs with one batch in common, got {[tensor.shape for tensor in tensors]}"
        )
    size = sizes.pop()
    count = max(1, min(size, count))
    return [slice(start, stop) for start, stop in itertools.pairwise(size * i // count for i in range(count + 1))]


class Joined:
    """An array whose slices of the batch come one by one, new or in the place of another of the same shape.

    Attributes
    ----------
    array : None as long as nothing has come
    """

    def __init__(self, parts: list[slice], place: Any = None) -> None:
        self._parts, self._place = parts, place if len(parts) > 1 else None
        self.array: Any = None

    def put(self, number: int, piece: Any) -> None:
        if len(self._parts) == 1:
            self.array = piece
            return
        if self.array is None and self._place is not None:
            self.array = self._place
        elif self.array is None:
            shape, axis = list(piece.shape), batch_axis(piece.shape)
            shape[axis] = self._parts[-1].stop
            self.array = backend.of("checkpoint", piece).xp.empty(shape, piece.dtype)
        cut(self.array, self._parts[number])[...] = piece
