"""The graph of a forward, read off its tape: the ops, the values between them, and what is kept of each.

A value is named by the uid of its tensor. What an op saves is either one of its values, kept once however many ops want
it, or the op's own (the winners of a pooling, the probabilities of a loss). Nothing here holds an array: a graph is
numbers and names, and outlives the backward that drops the records.
"""

import inspect
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from specframe.op import Op
from specframe.record import Record
from specframe.saving.handle import Handle
from specframe.saving.remade import Remade
from specframe.tape import Tape


class Kept(NamedTuple):
    """A saved array: its name in the op that saved it first, and the columns of the ledger's row."""

    name: str
    format: str
    nbytes: int
    moved: int
    density: float | None
    made_by: str  # the op that computes it again, "" where it is held


@dataclass(eq=False)
class Value:
    """What an op made, or came from outside; `norm` is that of its gradient, once a backward has found it."""

    shape: tuple[int, ...]
    dtype: str
    made: bool = False
    uses: int = 0
    kept: Kept | None = None
    norm: float | None = None


@dataclass(eq=False)
class Step:
    """One op that ran. `inputs` are (name of forward's argument, Value); `own` is what it saved besides its values."""

    op: str
    layer: str
    inputs: list[tuple[str, Value]]
    output: Value
    own: list[Kept] = field(default_factory=list)


class Graph:
    """The ops of a tape, oldest first, and the values that they read and made."""

    def __init__(self, tape: Tape) -> None:
        tape.saving.ledger  # noqa: B018  reading it settles what waits for the device
        self.values: dict[int, Value] = {}  # by uid
        self.steps = [self._step(record) for record in tape.records]
        self._sums: dict[int, Any] = {}  # gradients of leaves that are not complete yet
        self._count(tape)

    @property
    def nbytes(self) -> int:
        """Bytes kept for the backward, all over the graph: the ledger's total."""
        kept = [value.kept for value in self.values.values() if value.kept]
        return sum(each.nbytes for each in (*kept, *(own for step in self.steps for own in step.own)))

    def _step(self, record: Record) -> Step:
        inputs = []
        for name, uid, like in zip(_arguments(record.op), record.inputs, record.like, strict=False):
            if uid is not None and like is not None:
                value = self.values.setdefault(uid, Value(like[0], str(like[1])))
                value.uses += 1
                inputs.append((name, value))
        shape, dtype = record.result
        output = self.values[record.output] = Value(shape, str(dtype), made=True)
        return Step(record.op.name, ".".join(filter(None, record.layers)), inputs, output)

    def _count(self, tape: Tape) -> None:
        """Give each saved array, once, to the value that it is, or to the op that saved it."""
        owners: dict[int, Value] = {}
        for uid, value in self.values.items():
            handle = tape.saving.handle_of(uid)
            if handle is not None:
                owners[id(handle)] = value
        seen: set[int] = set()
        for step, record in zip(self.steps, tape.records, strict=True):
            for name, saved in record.ctx.saved.items():
                for label, handle in _with_sources(name, saved, seen):
                    made_by = handle.made_by if isinstance(handle, Remade) else ""
                    kept = Kept(label, handle.format, handle.nbytes, handle.moved, handle.density, made_by)
                    if id(handle) in owners:
                        owners[id(handle)].kept = kept
                    elif kept.nbytes or kept.moved:
                        step.own.append(kept)

    # ---- gradients -------------------------------------------------------------------------------------------------

    def watch(self, tape: Tape) -> None:
        """From now on, the walk back notes the norm of each gradient."""
        tape.records[:] = [Watched(record, self) for record in tape.records]

    def note(self, record: Record, gradients: list[Any]) -> None:
        """Note the norms of the leaves' gradients, which add up use by use."""
        for uid, g in zip(record.inputs, gradients, strict=True):
            if uid is not None and g is not None and not self.values[uid].made:
                self._sums[uid] = self._sums[uid] + g if uid in self._sums else g
                self.values[uid].norm = norm(self._sums[uid])
        for uid in record.completes:
            self._sums.pop(uid, None)


class Watched(Record):
    """A record whose gradients are looked at as the walk back passes."""

    __slots__ = ("_graph",)

    def __init__(self, record: Record, graph: Graph) -> None:
        for slot in Record.__slots__:
            setattr(self, slot, getattr(record, slot))
        self._graph = graph

    def backward(self, gy: Any) -> list[Any]:
        self._graph.values[self.output].norm = norm(gy)
        gradients = super().backward(gy)
        self._graph.note(self, gradients)
        return gradients


def norm(g: Any) -> float:
    """The square root of the sum of |g|^2."""
    return float((abs(g) ** 2).sum() ** 0.5)


def _arguments(op: type[Op]) -> Iterator[str]:
    """Names of the arrays that forward takes, after its context: x, weight, bias; x0, x1, ... of *x."""
    for name, parameter in list(inspect.signature(op.forward).parameters.items())[1:]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            yield from (f"{name}{number}" for number in itertools.count())
        yield name


def _with_sources(name: str, handle: Handle, seen: set[int]) -> Iterator[tuple[str, Handle]]:
    """(label, handle) of a saved array and of what it is made again from, as the ledger lists them; each once."""
    if id(handle) in seen:
        return
    seen.add(id(handle))
    yield name, handle
    if isinstance(handle, Remade):
        for source in handle.sources:
            yield from _with_sources(f"{name} <- {handle.made_by}", source, seen)
