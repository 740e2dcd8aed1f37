"""The ledger: what a forward saved for its backward, layer by layer and op by op, in bytes of real buffers.

An array saved by two ops is counted where it was saved first and listed as "shared" after that. What costs nothing is
listed too: "borrowed" (a parameter, the caller's batch) and "remade" (computed again when needed). What was moved out
of memory, to a file or from the device to the host, has a column of its own and is not in the totals.
"""

import csv
import functools
import io
import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

from specframe.saving.handle import Bytes, Handle
from specframe.saving.remade import Remade


class Row(NamedTuple):
    """One saved array. The last six columns are bytes."""

    layer: str
    op: str
    array: str
    shape: tuple[int, ...]
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
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.values + self.indices + self.pointers + self.masks + self.scales


class Ledger:
    """A snapshot of what a tape holds.

    Parameters
    ----------
    entries : of (layer, op, name of the array, Handle), in order of the forward
    """

    def __init__(self, entries: Iterable[tuple[str, str, str, Handle]]) -> None:
        # Every step takes a snapshot and few are looked at: note the numbers now, make rows when somebody asks.
        self._noted: list[tuple[str, str, str, tuple[int, ...], Any, str, float | None, Bytes, int]] = []
        seen: set[int] = set()
        for layer, op, name, handle in entries:
            self._note(layer, op, name, handle, seen)

    def _note(self, layer: str, op: str, name: str, handle: Handle, seen: set[int]) -> None:
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
    def rows(self) -> list[Row]:
        """A Row for each saved array, in order of the forward."""
        return [Row(layer, op, name, tuple(shape), str(dtype), form, density, *sizes, moved)
                for layer, op, name, shape, dtype, form, density, sizes, moved in self._noted]  # fmt: skip

    @property
    def nbytes(self) -> int:
        """Bytes saved for backward: each buffer once."""
        return sum(sum(noted[-2]) for noted in self._noted)

    @property
    def moved(self) -> int:
        """Bytes that were moved out of memory."""
        return sum(noted[-1] for noted in self._noted)

    @property
    def running(self) -> list[int]:
        """Bytes held after each row; the last is `nbytes`."""
        return list(itertools.accumulate(row.nbytes for row in self.rows))

    def by(self, field: str) -> dict[Any, int]:
        """Bytes by layer, op or format, in order of the forward; `field` is the name of a column of Row."""
        totals: dict[Any, int] = {}
        for row in self.rows:
            key = getattr(row, field)
            totals[key] = totals.get(key, 0) + row.nbytes
        return totals

    def density(self, op: str) -> list[float]:
        """Densities of the values saved by each op of this name, in order of the forward."""
        return [row.density for row in self.rows if row.op == op and row.density is not None]

    def spectra(self) -> list[float]:
        """Densities of the spectra that the spectral layers stored (their Z), in order of the forward."""
        return [row.density for row in self.rows if row.array == "Z" and row.density is not None]

    # ---- as text -------------------------------------------------------------------------------------------------

    def to_csv(self) -> str:
        """A line a row, under a line of names; the last column is the running total in bytes."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow([*Row._fields, "running"])
        for row, running in zip(self.rows, self.running, strict=True):
            writer.writerow([*row._replace(shape=_shape(row)), running])  # type: ignore[arg-type]
        return text.getvalue()

    def __str__(self) -> str:
        """A table with a total, and one sentence."""
        lines = [Row._fields, *map(_cells, self.rows)]
        totals = [sum(column) for column in zip(*(row[7:] for row in self.rows), strict=True)] or [0] * 6
        lines.append(("total", *[""] * 6, *(f"{total:,}" for total in totals)))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        text = []
        for line in lines:
            left = [cell.ljust(width) for cell, width in zip(line[:6], widths, strict=False)]
            right = [cell.rjust(width) for cell, width in zip(line[6:], widths[6:], strict=True)]
            text.append("  ".join([*left, *right]))
        return "\n".join([*text, f"{self.nbytes:,} bytes saved for backward"])


def _cells(row: Row) -> tuple[str, ...]:
    density = "-" if row.density is None else f"{row.density:.3f}"
    return (*row[:3], _shape(row), row.dtype, row.format, density, *(f"{n:,}" for n in row[7:]))


def _shape(row: Row) -> str:
    return "x".join(map(str, row.shape)) or "1"
