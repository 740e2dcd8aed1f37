"""CPU: NumPy and SciPy."""

import contextlib
import functools
import os
import tracemalloc
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from specframe.backend.base import Backend, Peak

PIECE_BYTES = 1 << 18  # a fraction of a core's second-level cache


class CPU(Backend):
    """NumPy and SciPy."""

    name, reading_waits = "cpu", False
    bodies: ClassVar[dict[type, type]] = {}

    def __init__(self) -> None:
        super().__init__(np, np.ndarray)
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        told = os.environ.get("OMP_NUM_THREADS", "")  # what BLAS is told holds for the FFT too
        self.workers = min(cores, int(told)) if told.isdecimal() and int(told) else cores

    # SciPy's parts take longer to import than all of specframe, and a run may need neither.

    @functools.cached_property
    def fft(self) -> Any:
        import scipy.fft

        return scipy.fft

    @functools.cached_property
    def sparse(self) -> Any:
        import scipy.sparse

        return scipy.sparse

    @functools.cached_property
    def special(self) -> Any:
        import scipy.special

        return scipy.special

    def to_host(self, array: Any) -> Any:
        return array

    def synchronize(self) -> None:
        pass

    def random(self, key: Any, shape: Any, dtype: Any) -> Any:
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(key))).random(shape, dtype=dtype)

    def rfft2(self, x: Any, grid: tuple[int, int], norm: str) -> Any:
        return self.fft.rfft2(x, s=grid, axes=(0, 1), norm=norm, workers=self.workers)

    def irfft2(self, Z: Any, grid: tuple[int, int], norm: str) -> Any:
        return self.fft.irfft2(Z, s=grid, axes=(0, 1), norm=norm, workers=self.workers)

    # NumPy gathers by flat positions several times faster than by a boolean mask.

    def compress(self, array: Any, mask: Any, count: Any) -> Any:
        return array.reshape(-1)[np.flatnonzero(mask)]

    def expand(self, values: Any, mask: Any) -> Any:
        array = np.zeros(mask.shape, values.dtype)
        array.reshape(-1)[np.flatnonzero(mask)] = values
        return array

    def pieces(self, array: Any, itemsize: int | None = None) -> list[slice]:
        count, nbytes = len(array), array.size * (itemsize or array.itemsize)
        step = max(1, PIECE_BYTES * count // max(1, nbytes))
        return [slice(start, min(start + step, count)) for start in range(0, count, step)]

    def where(self, mask: Any, array: Any, other: Any = None) -> Any:
        # NumPy branches at every entry, which is slow where the mask follows no pattern (docs/performance.md).
        integer = {4: np.int32, 8: np.int64}.get(array.dtype.itemsize)
        if integer is None or array.ndim == 0:
            return super().where(mask, array, other)
        chosen = np.empty(array.shape, array.dtype)
        bits = chosen.view(integer)
        for piece in self.pieces(bits):
            ones = np.negative(mask[piece].view(np.int8)).astype(integer)  # all bits where true, none elsewhere
            np.bitwise_and(array[piece].view(integer), ones, out=bits[piece])
            if other is not None:
                bits[piece] |= other[piece].view(integer) & ~ones
        return chosen

    @contextlib.contextmanager
    def _peak(self) -> Iterator[Peak]:
        """tracemalloc: what NumPy and Python allocate. Scratch inside BLAS and pocketfft is not seen."""
        peak, was_tracing = Peak(), tracemalloc.is_tracing()
        if not was_tracing:
            tracemalloc.start()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        try:
            yield peak
        finally:
            peak.nbytes = tracemalloc.get_traced_memory()[1] - before
            if not was_tracing:
                tracemalloc.stop()
