"""profile: where the seconds and the bytes of a training step go, by layer and op, forward and backward."""

import time
from collections import defaultdict
from typing import Any, NamedTuple

from specframe import ops
from specframe.layers import Module
from specframe.layers.checks import is_whole
from specframe.op import Context, Op
from specframe.record import Record
from specframe.tape import Tape
from specframe.tensor import Tensor
from specframe.training.allocator import keep_freed_memory
from specframe.training.evaluate import buffers_kept

Place = tuple[str, str]  # (layer, op)
BETWEEN = "between ops"


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
        """The same with one row a "layer" or one row an "op"; "between ops" keeps its own."""
        if field not in ("layer", "op"):
            raise ValueError(f"Profile.by: expected 'layer' or 'op', got {field!r}")
        groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self.rows:
            groups[(row.layer, "") if field == "layer" and row.op != BETWEEN else ("", row.op)].append(row)
        return Profile([Row(*key, *map(sum, list(zip(*group, strict=True))[2:])) for key, group in groups.items()])

    def __str__(self) -> str:
        total = Row("", "", 0, sum(r.forward for r in self.rows), sum(r.backward for r in self.rows), self.nbytes)
        lines = [("layer", "op", "calls", "forward, ms", "backward, ms", "share, %", "saved, bytes")]
        for row in (*self.rows, total):
            share = 100 * row.seconds / self.seconds if self.seconds else 0.0
            times = f"{1e3 * row.forward:.3f}", f"{1e3 * row.backward:.3f}", f"{share:.1f}"
            lines.append((row.layer, row.op, str(row.calls or ""), *times, f"{row.nbytes:,}"))
        columns = [[*column] for column in zip(*lines, strict=True) if any(column[1:])]  # by("op") has no layers
        columns[0][-1] = "total"
        return "\n".join("  ".join(cells) for cells in zip(*map(_aligned, columns), strict=True))


def _aligned(column: list[str]) -> list[str]:
    """Words to the left, numbers to the right."""
    width, adjust = max(map(len, column)), str.ljust if column[0] in ("layer", "op") else str.rjust
    return [adjust(cell, width) for cell in column]


class Watch(Tape):
    """A tape that looks at the clock when an op starts (`context`) and when it is recorded (the end of `add`).

    Attributes
    ----------
    calls, seconds_forward, seconds_backward : dicts by place, in order of the forward
    """

    def __init__(self, store: Any, recompute: str | None) -> None:
        super().__init__(store, recompute)
        self.calls = defaultdict[Place, int](int)
        self.seconds_forward, self.seconds_backward = defaultdict[Place, float](float), defaultdict[Place, float](float)
        self._places: dict[int, Place] = {}  # by the uid of the output
        self._start = self._end = time.perf_counter()

    def context(self, b: Any, inputs: tuple[Tensor | None, ...]) -> Context:
        ctx = super().context(b, inputs)
        b.synchronize()
        self._start = time.perf_counter()
        return ctx

    def add(self, op: type[Op], ctx: Context, inputs: tuple[Tensor | None, ...], y: Tensor) -> None:
        super().add(op, ctx, inputs, y)
        ctx.backend.synchronize()
        place = self._places[y.uid] = ".".join(filter(None, self.saving.layers)), op.name
        start = self._end if op.name == "checkpoint" else self._start  # its forward has run before it is recorded
        self._end = time.perf_counter()
        self.calls[place] += 1
        self.seconds_forward[place] += self._end - start

    def _walk_one(self, record: Record, gy: Any, gradients: dict[int, Any]) -> None:
        record.ctx.backend.synchronize()
        start = time.perf_counter()
        super()._walk_one(record, gy, gradients)
        record.ctx.backend.synchronize()
        self.seconds_backward[self._places[record.output]] += time.perf_counter() - start


def profile(
    model: Module, x: Any, y: Any = None, *, steps: int = 3, store: Any = "auto", recompute: str | None = None
) -> Profile:
    """Seconds and bytes of a training step of a model, by layer and op, forward and backward.

    The model runs `steps` times after one run to warm up, in the mode that it is in; the figures are those of the
    fastest. Parameters, gradients and buffers are afterwards what they were. As in training, the process keeps freed
    memory from then on (training/allocator.py).

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
    ValueError
        `steps` is no whole number, 1 or more.

    >>> import numpy as np, specframe as sf
    >>> from specframe.models import SpecLeNet5
    >>> found = sf.profile(SpecLeNet5(), np.ones((28, 28, 4, 1), np.float32), np.array([3, 1, 4, 1]))
    >>> [(row.layer, row.op, row.calls) for row in found.rows[:3]]
    [('conv1', 'rfft2', 1), ('conv1', 'spectral_conv_act', 1), ('conv1', 'irfft2', 1)]
    """
    if not isinstance(model, Module):
        raise TypeError(f"profile: expected a Module, got {type(model).__name__}")
    if not is_whole(steps, 1):
        raise ValueError(f"profile: steps must be a whole number, 1 or more, got {steps!r}")
    keep_freed_memory()
    with buffers_kept(model):
        _step(model, x, y, store, recompute)
        return min((_step(model, x, y, store, recompute) for _ in range(steps)), key=lambda found: found.seconds)


def _step(model: Module, x: Any, y: Any, store: Any, recompute: str | None) -> Profile:
    """Of one forward and one backward, whose gradients go nowhere."""
    start = time.perf_counter()
    with Watch(store, recompute) as tape:
        result: Any = model(x)
        if not isinstance(result, Tensor):
            raise TypeError(f"profile: expected a model that gives a Tensor, got {type(result).__name__}")
        if y is not None:
            result = ops.softmax_cross_entropy(result, y)
    middle = time.perf_counter()
    if result.requires_grad:
        ones = result.backend.xp.ones(result.shape, result.dtype)
        tape.walk({result.uid: ones}, lambda leaf, g: None)
    end = time.perf_counter()
    forward, backward, nbytes = tape.seconds_forward, tape.seconds_backward, defaultdict[Place, int](int)
    for row in tape.ledger.rows:
        nbytes[row.layer, row.op] += row.nbytes
    rows = [Row(*place, calls, forward[place], backward[place], nbytes[place]) for place, calls in tape.calls.items()]
    outside = middle - start - sum(forward.values()), end - middle - sum(backward.values())
    return Profile([*rows, Row("", BETWEEN, 0, *outside, 0)])
