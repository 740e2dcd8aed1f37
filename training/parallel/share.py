"""Share: a rank's images of a batch, and how an op's sum over the batch goes over all ranks."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from specframe import backend
from specframe.training.parallel.communicator import Communicator


class Share:
    """Which images of a batch this rank has: a Part, as specframe/parts.py asks for.

    Parameters
    ----------
    communicator : Communicator
    sizes : list of int, the images of each rank

    Attributes
    ----------
    start, stop, whole : int
    """

    def __init__(self, communicator: Communicator, sizes: list[int]) -> None:
        self._communicator, rank = communicator, communicator.rank
        self.start, self.whole = sum(sizes[:rank]), sum(sizes)
        self.stop = self.start + sizes[rank]

    @property
    def weight(self) -> float:
        """The share of the batch: what the mean over this rank's images counts in the mean over all."""
        return (self.stop - self.start) / max(1, self.whole)

    def total(self, part: Any, combine: Callable[[list[Any]], Any]) -> Any:
        """`combine` of all ranks' parts, in their order: bit-equal on all ranks."""
        several = isinstance(part, tuple)
        pieces = part if several else (part,)
        numbers = [_reals(backend.to_host(piece)) for piece in pieces]
        gathered = self._communicator.gather(np.concatenate(numbers))
        parts = [_like(pieces, row) for row in gathered]
        return combine(parts if several else [part for (part,) in parts])


def _reals(piece: Any) -> Any:
    """Its numbers in double precision; a complex one is two."""
    flat = np.ascontiguousarray(piece).ravel()
    return flat.astype(np.complex128).view(np.float64) if np.iscomplexobj(flat) else flat.astype(np.float64)


def _like(pieces: tuple[Any, ...], numbers: Any) -> tuple[Any, ...]:
    """The numbers as arrays and numbers of the same shapes, dtypes and devices as the pieces."""
    made, start = [], 0
    for piece in pieces:
        reals = math.prod(np.shape(piece)) * (2 if np.iscomplexobj(piece) else 1)
        row = numbers[start : start + reals]
        start += reals
        if isinstance(piece, int | float):
            made.append(type(piece)(row[0]))
            continue
        row = row.view(np.complex128) if np.iscomplexobj(piece) else row
        array = row.reshape(piece.shape).astype(piece.dtype)
        made.append(array if isinstance(piece, np.ndarray | np.generic) else backend.of("", piece).asarray(array))
    return tuple(made)
