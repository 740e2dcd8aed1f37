"""The ledger: what a forward saved for its backward, op by op, in bytes of real buffers.

An array saved by two ops is counted where it was saved first and listed as "shared" after that. What costs nothing is
listed too: "borrowed" (a parameter, the caller's batch) and "remade" (computed again when needed).
"""

import functools
from typing import NamedTuple

from specframe.storage.handle import Bytes, Remade


class Row(NamedTuple):
    """One saved array."""

    op: str
    array: str
    shape: tuple
    dtype: str
    format: str
    density: float | None
    values: int
    indices: int
    pointers: int
    masks: int

    @property
    def nbytes(self):
        return self.values + self.indices + self.pointers + self.masks


class Ledger:
    """A snapshot of what a tape holds.

    Attributes
    ----------
    rows : list of Row
    nbytes : int
        Bytes saved for backward: each buffer once.
    """

    def __init__(self, entries):
        # Every step takes a snapshot and few are looked at: note the numbers now, make rows when somebody asks.
        self._noted, seen = [], set()
        for op, name, handle in entries:
            self._note(op, name, handle, seen)

    def _note(self, op, name, handle, seen):
        shared = id(handle) in seen
        seen.add(id(handle))
        sizes, form = handle.bytes, handle.format
        if shared:
            sizes, form = Bytes(), "shared" if sum(sizes) else form
        self._noted.append((op, name, handle.shape, handle.dtype, form, handle.density, sizes))
        if isinstance(handle, Remade) and not shared:
            for source in handle.sources:
                self._note(op, f"{name} <- {handle.made_by}", source, seen)

    @functools.cached_property
    def rows(self):
        return [Row(op, name, tuple(shape), str(dtype), *rest, *sizes)
                for op, name, shape, dtype, *rest, sizes in self._noted]  # fmt: skip

    @property
    def nbytes(self):
        return sum(sum(noted[-1]) for noted in self._noted)

    def density(self, op):
        """Densities of the values saved by each op of this name, in order of the forward."""
        return [row.density for row in self.rows if row.op == op and row.density is not None]

    def spectra(self):
        """Densities of the spectra that the spectral layers stored (their Z), in order of the forward."""
        return [row.density for row in self.rows if row.array == "Z" and row.density is not None]

    def __str__(self):
        head = ("op", "array", "shape", "dtype", "format", "density", "values", "indices", "pointers", "masks")
        lines = [head]
        for row in self.rows:
            shape = "x".join(map(str, row.shape)) or "1"
            density = "-" if row.density is None else f"{row.density:.3f}"
            lines.append((row.op, row.array, shape, row.dtype, row.format, density, *(f"{n:,}" for n in row[6:])))
        total = [sum(row[i] for row in self.rows) for i in range(6, 10)]
        lines.append(("total", "", "", "", "", "", *(f"{n:,}" for n in total)))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        text = []
        for line in lines:
            cells = [c.ljust(w) if i < 5 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
            text.append("  ".join(cells))
        return "\n".join([*text, f"{self.nbytes:,} bytes saved for backward"])
