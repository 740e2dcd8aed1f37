"""Slices of a batch that run one after another and count as one batch.

What is averaged over the batch, as the statistics of batch normalisation are, must be averaged over all slices, and the
first slice cannot know what the last one will add. So an op asks for it through `over_batch`, and

    pass 1     each slice runs up to its first call, leaves its part there, and stops      -> total 1
    pass 2     each slice runs anew, gets total 1, goes on to its second call, and stops   -> total 2
    ...        until every slice comes to its end

With n calls the work before the last one is done again up to n times; in return no more than one slice is alive.
"""

import contextlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from specframe import backend
from specframe.memory.nested import Nested
from specframe.tensor import Tensor


class Waiting(Exception):
    """A slice cannot go on before the others have come as far."""


class Batch:
    """One batch in slices: the totals that are known, and where the running slice stands in their order.

    Attributes
    ----------
    number : int, of the slice that is running
    """

    number: int
    _next: int  # of the sum that it will ask for

    def __init__(self) -> None:
        self._totals: list[Any] = []
        self._parts: list[Any] = []

    def run(self, count: int, run: Callable[[int], None]) -> None:
        """Call run(i) for each slice i of `count` until all have come to their end.

        Raises
        ------
        RuntimeError
            Some slices wait for a total and others have ended.
        """
        while True:
            ended = 0
            for number in range(count):
                self.number, self._next = number, 0
                with contextlib.suppress(Waiting), _running.inside(self):
                    run(number)
                    ended += 1
            if ended == count:
                return
            if ended:
                raise RuntimeError("checkpoint: fn asked for other sums over the batch in some slices than in others")
            parts, self._parts = self._parts, []
            # Where this batch is itself a slice, its total is a part of that batch.
            self._totals.append(over_batch(self._combine(parts), self._combine))

    def total(self, part: Any, combine: Callable[[list[Any]], Any]) -> Any:
        self._next += 1
        if self._next <= len(self._totals):
            return self._totals[self._next - 1]
        self._parts.append(part)
        self._combine = combine
        raise Waiting


_running = Nested[Batch]()  # batches of which a slice is running


def over_batch(part: Any, combine: Callable[[list[Any]], Any]) -> Any:
    """`part` itself; inside a slice, what the parts of all slices make together, combine(list of parts).

    The result of `combine` must be of the kind of a part.
    """
    return _running.stack[-1].total(part, combine) if _running.stack else part


def numbers() -> tuple[int, ...]:
    """The numbers of the slices that are running, outermost first; () where the batch is whole."""
    return tuple(batch.number for batch in _running.stack)


# ---- cutting and joining arrays --------------------------------------------------------------------------------


def cut(array: Any, part: slice) -> Any:
    """The images `part` of an array, as a view: of its third axis where it has four, else of its first."""
    return array[(slice(None),) * _batch_axis(array) + (part,)]


def parts_of(tensors: Sequence[Tensor], count: int) -> list[slice]:
    """The batch of these tensors in `count` slices that differ by one image at most; fewer where it has fewer images.

    Raises
    ------
    ValueError
        More than one slice is wanted, and the tensors do not have one batch in common.
    """
    if count == 1:
        return [slice(None)]
    sizes = {tensor.shape[_batch_axis(tensor)] for tensor in tensors if tensor.ndim}
    if len(sizes) != 1 or not all(tensor.ndim for tensor in tensors):
        raise ValueError(
            f"checkpoint: slices need inputs with one batch in common, got {[tensor.shape for tensor in tensors]}"
        )
    size = sizes.pop()
    count = max(1, min(size, count))
    return [slice(start, stop) for start, stop in itertools.pairwise(size * i // count for i in range(count + 1))]


def _batch_axis(array: Any) -> int:
    return 2 if array.ndim == 4 else 0


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
            shape, axis = list(piece.shape), _batch_axis(piece)
            shape[axis] = self._parts[-1].stop
            self.array = backend.of("checkpoint", piece).xp.empty(shape, piece.dtype)
        cut(self.array, self._parts[number])[...] = piece
