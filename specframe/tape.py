"""The tape: ops are recorded in the order in which they run, and walked back in reverse.

    with Tape() as tape:                       a = x * x        record 0     x -> a
        loss = ops.sum(b + a)                  b = a + x        record 1     a, x -> b   ...
    tape.backward(loss)

A record that has run is older than every record that uses its output, so reading the list backwards meets each value
only after all its uses: no graph search is needed, and a value used twice has both gradients added up by then.

Records hold numbers that name values (`Tensor.uid`), shapes, and handles of what the op saved (specframe/saving):
never Tensors. They are dropped one by one as the walk uses them.
"""

import itertools
from collections.abc import Callable
from typing import Any

from specframe import backend
from specframe.bodies import body
from specframe.op import Context, Op, check_tensors
from specframe.record import Record
from specframe.recording import current, recording
from specframe.saving import Ledger, Saving
from specframe.tensor import Tensor

_forwards = itertools.count()  # so that tapes without a seed differ in what their stores draw


def apply(op: type[Op], *inputs: Tensor | None, **options: Any) -> Tensor:
    """Run an op on Tensors (None for an absent one) and record it where a tape is listening."""
    check_tensors(op.name, *inputs)
    arrays = [None if tensor is None else tensor.data for tensor in inputs]
    b = backend.of(op.name, *arrays)
    op, tape = body(op, b), current()
    ctx = Context(b, (False,) * len(inputs)) if tape is None else tape.context(b, inputs)
    result = op.forward(ctx, *arrays, **options)
    if isinstance(result, tuple | list):
        raise TypeError(f"{op.name}: forward returned a {type(result).__name__}; an op has one array as its result")
    y = Tensor(result, requires_grad=ctx.recording)
    y.spectrum = ctx.spectrum
    if tape is not None:
        tape.add(op, ctx, inputs, y)
    return y


class Tape:
    """Records the ops that run inside its `with` block.

    Parameters
    ----------
    store : str, dict or Store
        How values are kept: "auto" (lossless, the smallest for each array), or another of saving.STORES with its
        settings, as "dct:0.1:int8"; a dict chooses by the name of the op. `store()` chooses for a part.
    recompute : None or "block"
        "block" keeps, between two stored spectra, neither maps nor pooled maps: they are computed again.
    seed : int or None
        Of what a lossy store draws at random. None: another for each tape of the process.
    check : bool
        Compare every byte of what is held by reference (weights, batches) when the walk reaches it, on every device.
        By default a sample is compared, on the CPU (saving/watch.py).

    Attributes
    ----------
    ledger : Ledger
        What was saved, op by op, at the end of the forward. A snapshot of numbers, readable after the backward.
    peak_bytes : int
        The most bytes that were saved at any one time: `ledger.nbytes`, or more where a checkpoint ran again.
    records : list of Record
        The ops that ran and that a gradient goes through, oldest first. The walk back drops them one by one.
    """

    silent = False  # it records nothing, so that another may open inside it
    inner = False  # it belongs to the tape it is opened in

    def __init__(
        self, store: Any = "auto", recompute: str | None = None, seed: int | None = None, check: bool = False
    ) -> None:
        if recompute not in (None, "block"):
            raise ValueError(f"Tape: unknown recompute {recompute!r}, expected None or 'block'")
        self.saving = Saving(store, recompute, next(_forwards) if seed is None else seed, check)
        self.records: list[Record] = []
        self._leaves: dict[int, Tensor] = {}  # uid -> Tensor, for the leaves that want a gradient
        self._entered = self._spent = False

    ledger: Ledger = property(lambda self: self.saving.ledger)  # type: ignore[assignment]
    peak_bytes: int = property(lambda self: self.saving.peak_bytes)  # type: ignore[assignment]

    @property
    def leaves(self) -> list[Tensor]:
        """The Tensors that the backward will give a gradient to, in the order of their first use."""
        return list(self._leaves.values())

    def __enter__(self) -> "Tape":
        if self._entered:
            raise RuntimeError("Tape: a tape records one forward; make a new one for the next")
        if not self.inner and current() is not None and not current().silent:
            raise RuntimeError(
                "Tape: another tape is recording in this thread and would not see what this one records; "
                "close it first, or open this one inside no_grad()"
            )
        self._entered = True
        recording().append(self)
        return self

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        recording().remove(self)
        if kind is not None:
            self.records.clear()
            self._leaves.clear()
            self.saving.discard()
            self._spent = True
        elif not self._spent:
            self.saving.settle()

    # ---- recording ---------------------------------------------------------------------------------------------

    def context(self, b: Any, inputs: tuple[Tensor | None, ...]) -> Context:
        """The Context of an op that is about to run."""
        return Context(b, tuple(tensor is not None and tensor.requires_grad for tensor in inputs))

    def add(self, op: type[Op], ctx: Context, inputs: tuple[Tensor | None, ...], y: Tensor) -> None:
        """Note that `op` made y from `inputs`, which may hold None."""
        self.saving.made.add(y.uid)
        if ctx.recording:
            self.saving.pack(op, ctx, inputs, y)
            record = Record(op, ctx, inputs, y, self.saving.layers)
            for tensor in inputs:
                if tensor is not None and tensor.requires_grad and tensor.uid not in self.saving.made:
                    if tensor.uid not in self._leaves:
                        self._leaves[tensor.uid] = tensor
                        record.completes.append(tensor.uid)
            self.records.append(record)
        y.recipe = self.saving.recipe(op, ctx, [tensor for tensor in inputs if tensor is not None], y)

    # ---- walking back ------------------------------------------------------------------------------------------

    def backward(self, y: Tensor, gy: Any = None, on_grad: Callable[[Tensor], object] | None = None) -> None:
        """Add dL/dt to `.grad` of every leaf t that requires it.

        Parameters
        ----------
        y : Tensor
            Computed under this tape.
        gy : array or None
            The cotangent dL/dy, of y's shape and dtype (complex too). None means 1, for a scalar y.
        on_grad : callable or None
            Called once with each leaf that a gradient reaches, as soon as `.grad` is complete, last layers first. It
            may change the leaf and its `.grad`: nothing that is left of the walk reads them.

        Raises
        ------
        RuntimeError
            On a second call: entries are freed as they are used.
        ValueError
            When y was not computed under this tape from anything that requires a gradient, or gy does not fit.
        """
        if self._spent:
            raise RuntimeError("backward: this tape is spent (entries are freed as they are used); record a new one")
        if y.uid not in self.saving.made or not y.requires_grad:
            raise ValueError("backward: the tensor was not computed under this tape from one that requires a gradient")

        def deliver(leaf: Tensor, g: Any) -> None:
            leaf.grad = g if leaf.grad is None else leaf.grad + g
            if on_grad is not None:
                on_grad(leaf)

        self.walk({y.uid: _cotangent(y, gy)}, deliver)

    def walk(self, gradients: dict[int, Any], deliver: Callable[[Tensor, Any], object]) -> None:
        """Go back from `gradients`, a dict by uid; `deliver(leaf, g)` gets each leaf with its whole gradient."""
        self._spent = True
        self.saving.settle()
        try:
            while self.records:
                record = self.records.pop()
                gy = gradients.pop(record.output, None)
                if gy is not None:
                    self._walk_one(record, gy, gradients)
                for uid in record.completes:
                    leaf, g = self._leaves.pop(uid), gradients.pop(uid, None)
                    if g is not None:
                        deliver(leaf, g)
        finally:
            self.records.clear()
            self._leaves.clear()

    def _walk_one(self, record: Record, gy: Any, gradients: dict[int, Any]) -> None:
        """Add the gradients of one op's inputs to what has been found for them so far."""
        for uid, g in zip(record.inputs, record.backward(gy), strict=True):
            if uid is not None and g is not None:
                if uid in self._leaves and (g is gy or g.base is not None):
                    g = g.copy()  # a leaf's gradient is its own: it may be changed in place
                gradients[uid] = gradients[uid] + g if uid in gradients else g

    def ran_again(self, ctx: Context, inner: "Tape") -> None:
        """A checkpoint, whose context is `ctx`, ran again under `inner` while the records left here were held."""
        self.saving.ran_again([ctx, *(record.ctx for record in self.records)], inner.peak_bytes)


def _cotangent(y: Tensor, gy: Any) -> Any:
    if gy is None:
        if y.size != 1:
            raise ValueError(f"backward: y has shape {y.shape}; only a scalar needs no cotangent gy")
        return y.backend.xp.ones(y.shape, y.dtype)
    gy = gy.data if isinstance(gy, Tensor) else gy
    backend.of("backward", y.data, gy)
    if gy.shape != y.shape or gy.dtype != y.dtype:
        raise ValueError(f"backward: gy is {gy.shape} {gy.dtype}, but y is {y.shape} {y.dtype}")
    return gy
