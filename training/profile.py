"""profile: where the seconds and the bytes of a training step go, by layer and op, forward and backward."""

import time
from collections import defaultdict
from typing import Any, NamedTuple

import numpy as np

from specframe import ops
from specframe.layers import Module
from specframe.layers.checks import whole
from specframe.op import Context, Op
from specframe.record import Record
from specframe.tape import Tape
from specframe.tensor import Tensor

Key = tuple[str, str]  # (layer, op)
BETWEEN: Key = ("", "between ops")


class Row(NamedTuple):
    """All calls of one op in one layer, in one step. The layer is its dotted name in the model, "" the model itself."""

    layer: str
    op: str
    calls: int
    forward: float  # seconds
    backward: float
    nbytes: int  # saved for the backward

    @property
    def seconds(self) -> float:
        return self.forward + self.backward


class Profile:
    """What `profile` found; `print` shows it as a table.

    Attributes
    ----------
    rows : list of Row, in order of the forward
        Times are an op's own, with what it takes to pack and unpack its saved arrays. The last row, "between ops", is
        the rest of the step: what Python does in the modules and on the tape. So the rows add up to `seconds`.
    seconds : float, of a step, forward and backward
    nbytes : int, saved for the backward
    """

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.seconds, self.nbytes = sum(row.seconds for row in rows), sum(row.nbytes for row in rows)

    def by(self, field: str) -> "Profile":
        """The same with one row a "layer" or one row an "op"."""
        if field not in ("layer", "op"):
            raise ValueError(f"Profile.by: expected 'layer' or 'op', got {field!r}")
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows:
            groups[row.op if row[:2] == BETWEEN else getattr(row, field)].append(row)
        rows = []
        for name, group in groups.items():
            key = ("", name) if field == "op" or name == BETWEEN[1] else (name, "")
            rows.append(Row(*key, *(sum(column) for column in list(zip(*group, strict=True))[2:])))
        return Profile(rows)

    def __str__(self) -> str:
        total = Row("total", "", 0, sum(r.forward for r in self.rows), sum(r.backward for r in self.rows), self.nbytes)
        lines = [("layer", "op", "calls", "forward, ms", "backward, ms", "share, %", "saved, bytes")]
        for row in (*self.rows, total):
            share = 100 * row.seconds / self.seconds if self.seconds else 0.0
            times = f"{1e3 * row.forward:.3f}", f"{1e3 * row.backward:.3f}", f"{share:.1f}"
            lines.append((row.layer, row.op, str(row.calls or ""), *times, f"{row.nbytes:,}"))
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(c.ljust(w) if i < 2 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True)))
            for line in lines
        )


class Watch(Tape):
    """A tape that looks at the clock before and after each op: an op runs between `context` and the end of `add`."""

    def __init__(self, store: Any, recompute: str | None) -> None:
        super().__init__(store, recompute)
        self.calls: dict[Key, int] = defaultdict(int)
        self.forward: dict[Key, float] = defaultdict(float)
        self.backward_: dict[Key, float] = defaultdict(float)
        self._start = 0.0
        self._of: dict[int, Key] = {}  # by the uid of the output

    def context(self, b: Any, inputs: tuple[Tensor | None, ...]) -> Context:
        ctx = super().context(b, inputs)
        b.synchronize()
        self._start = time.perf_counter()
        return ctx

    def add(self, op: type[Op], ctx: Context, inputs: tuple[Tensor | None, ...], y: Tensor) -> None:
        super().add(op, ctx, inputs, y)
        ctx.backend.synchronize()
        key = self._of[y.uid] = ".".join(filter(None, self.saving.layers)), op.name
        self.calls[key] += 1
        self.forward[key] += time.perf_counter() - self._start

    def _walk_one(self, record: Record, gy: Any, gradients: dict[int, Any]) -> None:
        record.ctx.backend.synchronize()
        start = time.perf_counter()
        super()._walk_one(record, gy, gradients)
        record.ctx.backend.synchronize()
        self.backward_[self._of[record.output]] += time.perf_counter() - start


def profile(
    model: Module, x: Any, y: Any = None, *, steps: int = 3, store: Any = "auto", recompute: str | None = None
) -> Profile:
    """Seconds and bytes of a training step of a model, by layer and op, forward and backward.

    The model runs `steps` times after one run to warm up, in the mode that it is in; the figures are means. Parameters,
    gradients and buffers are afterwards what they were.

    Parameters
    ----------
    model : Module
    x : Tensor or array, what the model takes, on its device: for the nets (rows, cols, batch, channels)
    y : integers (batch,), the classes; the loss is then the cross-entropy
        None goes back from the sum of the model's result.
    steps : int, 1 or more
    store, recompute : as in Tape

    Returns
    -------
    Profile

    Raises
    ------
    TypeError
        `model` is no Module, or gives no Tensor.

    >>> import numpy as np, specframe as sf
    >>> from specframe.models import SpecLeNet5
    >>> found = sf.profile(SpecLeNet5(), np.ones((28, 28, 4, 1), np.float32), np.array([3, 1, 4, 1]))
    >>> [(row.layer, row.op, row.calls) for row in found.rows[:3]]
    [('conv1', 'rfft2', 1), ('conv1', 'spectral_conv_act', 1), ('conv1', 'irfft2', 1)]
    """
    if not isinstance(model, Module):
        raise TypeError(f"profile: expected a Module, got {type(model).__name__}")
    whole(profile, steps=steps)
    buffers = [(module, name, getattr(module, name).copy()) for _, module, name in model.buffer_places()]
    try:
        _step(model, x, y, store, recompute)
        profiles = [_step(model, x, y, store, recompute) for _ in range(steps)]
    finally:
        for module, name, array in buffers:
            setattr(module, name, array)
    return Profile([_mean(rows) for rows in zip(*(each.rows for each in profiles), strict=True)])


def _step(model: Module, x: Any, y: Any, store: Any, recompute: str | None) -> Profile:
    start = time.perf_counter()
    with Watch(store, recompute) as tape:
        result: Any = model(x)
        if not isinstance(result, Tensor):
            raise TypeError(f"profile: expected a model that gives a Tensor, got {type(result).__name__}")
        if y is not None:
            result = ops.softmax_cross_entropy(result, y)
    middle = time.perf_counter()
    if result.requires_grad:
        ones = result.backend.asarray(np.ones(result.shape, result.dtype))
        tape.walk({result.uid: ones}, lambda leaf, g: None)  # the gradients go nowhere
    end = time.perf_counter()
    saved: dict[Key, int] = defaultdict(int)
    for row in tape.ledger.rows:
        saved[row.layer, row.op] += row.nbytes
    rows = [Row(*key, n, tape.forward[key], tape.backward_[key], saved[key]) for key, n in tape.calls.items()]
    forward, backward = sum(row.forward for row in rows), sum(row.backward for row in rows)
    return Profile([*rows, Row(*BETWEEN, 0, middle - start - forward, end - middle - backward, 0)])


def _mean(rows: tuple[Row, ...]) -> Row:
    """One row of several steps."""
    forward, backward = (sum(column) / len(rows) for column in zip(*(row[3:5] for row in rows), strict=True))
    return rows[0]._replace(forward=forward, backward=backward)
