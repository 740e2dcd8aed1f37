"""The ledger: what a forward saved for its backward, layer by layer and op by op, in bytes of real buffers.

An array saved by two ops is counted where it was saved first and listed as "shared" after that. What costs nothing is
listed too: "borrowed" (a parameter, the caller's batch) and "remade" (computed again when needed). What was moved out
of memory, to a file or from the device to the host, has a column of its own and is not in the totals.
"""

import csv
import functools
import io
import itertools
from typing import NamedTuple

from specframe.saving.handle import Bytes
from specframe.saving.remade import Remade


class Row(NamedTuple):
    """One saved array."""

    layer: str
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
    scales: int
    moved: int

    @property
    def nbytes(self):
        """Bytes in memory."""
        return self.values + self.indices + self.pointers + self.masks + self.scales


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
        for layer, op, name, handle in entries:
            self._note(layer, op, name, handle, seen)

    def _note(self, layer, op, name, handle, seen):
        shared = id(handle) in seen
        seen.add(id(handle))
        sizes, form, moved = handle.bytes, handle.format, handle.moved
        if shared:
            sizes, form, moved = Bytes(), "shared" if sum(sizes) + moved else form, 0
        self._noted.append((layer, op, name, handle.shape, handle.dtype, form, handle.density, sizes, moved))
        if isinstance(handle, Remade) and not shared:
            for source in handle.sources:
                self._note(layer, op, f"{name} <- {handle.made_by}", source, seen)

    @functools.cached_property
    def rows(self):
        return [Row(layer, op, name, tuple(shape), str(dtype), *rest, *sizes, moved)
                for layer, op, name, shape, dtype, *rest, sizes, moved in self._noted]  # fmt: skip

    @property
    def nbytes(self):
        return sum(sum(noted[-2]) for noted in self._noted)

    @property
    def moved(self):
        """Bytes that were moved out of memory."""
        return sum(noted[-1] for noted in self._noted)

    @property
    def running(self):
        """Bytes held after each row, in order of the forward; the last is `nbytes`."""
        return list(itertools.accumulate(row.nbytes for row in self.rows))

    def by(self, field):
        """Bytes by layer, op or format: a dict in order of the forward; `field` is the name of a column of Row."""
        totals = {}
        for row in self.rows:
            totals[getattr(row, field)] = totals.get(getattr(row, field), 0) + row.nbytes
        return totals

    def to_csv(self):
        """The rows as text, a line each under a line of names; the last column is the running total in bytes."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*Row._fields, "running"])
        for row, running in zip(self.rows, self.running, strict=True):
            writer.writerow([*row._replace(shape="x".join(map(str, row.shape)) or "1"), running])
        return text.getvalue()

    def density(self, op):
        """Densities of the values saved by each op of this name, in order of the forward."""
        return [row.density for row in self.rows if row.op == op and row.density is not None]

    def spectra(self):
        """Densities of the spectra that the spectral layers stored (their Z), in order of the forward."""
        return [row.density for row in self.rows if row.array == "Z" and row.density is not None]

    def __str__(self):
        head = Row._fields
        lines = [head]
        for row in self.rows:
            shape = "x".join(map(str, row.shape)) or "1"
            density = "-" if row.density is None else f"{row.density:.3f}"
            lines.append((row.layer, row.op, row.array, shape, row.dtype, row.format, density,
                          *(f"{n:,}" for n in row[7:])))  # fmt: skip
        total = [sum(row[i] for row in self.rows) for i in range(7, len(head))]
        lines.append(("total", *[""] * 6, *(f"{n:,}" for n in total)))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        text = []
        for line in lines:
            cells = [c.ljust(w) if i < 6 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))]
            text.append("  ".join(cells))
        return "\n".join([*text, f"{self.nbytes:,} bytes saved for backward"])
