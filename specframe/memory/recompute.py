"""checkpoint: keep the inputs of a part of the forward, and run that part again when the walk back reaches it.

    forward     y = fn(x)              saves x, and nothing of what fn computes in between
    backward    y = fn(x) again, under a tape of its own, which is walked back from dL/dy to dL/dx

A chain of n layers, cut into sqrt(n) parts of sqrt(n) layers, so holds some 2 sqrt(n) maps at a time instead of n, for
one more forward.

Source: T. Chen, B. Xu, C. Zhang, C. Guestrin, Training Deep Nets with Sublinear Memory Cost, 2016, arXiv:1604.06174.

With `slices`, both runs go through the batch a part at a time (slices.py), so that of the maps inside fn only a part is
alive too. The gradient of a parameter is the sum over the slices, that of an input is joined from theirs.

The parameters inside fn are inputs of the recorded op as well, so that the tape treats it like any op. fn does not list
them: the first run goes by a `Scout`, which keeps nothing but the leaves that it meets.
"""

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from specframe.backend import Backend
from specframe.memory import effects
from specframe.memory.slices import Batch, Joined, cut, parts_of
from specframe.op import Context, Op
from specframe.recording import current
from specframe.saving import Saving, Store, get_store
from specframe.tape import Tape, apply
from specframe.tensor import Tensor


class Inside(Context):
    """The context of an op inside `fn`, whose forward runs twice."""

    def once(self, effect: Callable[[], Any]) -> Any:
        return effects.once(effect)


class Nothing(Saving):
    """Of a run that keeps nothing: its stores serve another tape, and do not begin anew."""

    def begin(self, store: Any) -> Store:
        return get_store(store)


class Scout(Tape):
    """Goes ahead of the tape: under it ops save nothing; `leaves` are those met that require a gradient."""

    inner = True

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.saving = Nothing("auto", None, seed)

    @property
    def leaves(self) -> list[Tensor]:
        return list(self._leaves.values())

    def context(self, b: Backend, inputs: tuple[Tensor | None, ...]) -> Context:
        wanted = [t for t in inputs if t is not None and t.requires_grad and t.uid not in self.saving.made]
        self._leaves.update((tensor.uid, tensor) for tensor in wanted)
        return Inside(b, (False,) * len(inputs))

    def add(self, op: type[Op], ctx: Context, inputs: tuple[Tensor | None, ...], y: Tensor) -> None:
        self.saving.made.add(y.uid)
        y.requires_grad = any(tensor is not None and tensor.requires_grad for tensor in inputs)

    def made(self, tensor: Tensor) -> bool:
        return tensor.uid in self.saving.made


class Again(Tape):
    """The tape of a second run."""

    inner = True

    def context(self, b: Backend, inputs: tuple[Tensor | None, ...]) -> Context:
        return Inside(b, tuple(tensor is not None and tensor.requires_grad for tensor in inputs))


class Run:
    """`fn` with what its two runs need besides the arrays. The tape is held weakly, because its record holds this."""

    def __init__(self, fn: Callable[..., Tensor], inputs: Sequence[Tensor], outer: Tape, slices: int) -> None:
        self.fn = fn
        self.log: list[Any] = []
        self.parts, self._batch = parts_of(inputs, slices), Batch()
        self.like = [(tensor.requires_grad, tensor.spectrum) for tensor in inputs]
        self.outer, self._layers = weakref.ref(outer), list(outer.saving.layers)
        self._settings = outer.saving.store, outer.saving.recompute
        self._seed = outer.saving.seed, len(outer.saving.made)  # another for each checkpoint of the forward

    @property
    def whole(self) -> bool:
        """Whether the batch goes through in one piece."""
        return len(self.parts) == 1

    def each(self, run: Callable[[int], None]) -> None:
        """run(number) for each part of the batch."""
        self._batch.run(self.parts, run)

    def of(self, array: Any, number: int) -> Any:
        """The part `number` of an array."""
        return array if self.whole else cut(array, self.parts[number]).copy()

    def stand_ins(self, arrays: Sequence[Any], number: int) -> list[Tensor]:
        """Fresh leaves replacing the arguments of fn, to tell them from captured tensors."""
        tensors = []
        for array, (requires_grad, spectrum) in zip(arrays, self.like, strict=True):
            tensors.append(Tensor(self.of(array, number), requires_grad))
            tensors[-1].spectrum = spectrum
        return tensors

    def __call__(self, tensors: Sequence[Tensor]) -> Tensor:
        return _one_tensor(self.fn(*tensors))

    def ahead(self, arrays: Sequence[Any]) -> tuple[Any, list[Tensor], Tensor, Scout]:
        """The first run: y as an array, and of the last part that ran the stand-ins, their y and the Scout."""
        joined = Joined(self.parts)
        last: Any = None

        def run(number: int) -> None:
            nonlocal last
            scout = Scout(seed=self._seed[0])  # it draws nothing: no need to take the number of a tape without a seed
            tensors = self.stand_ins(arrays, number)
            with effects.logged(self.log), scout:
                y = self(tensors)
            joined.put(number, y.data)
            last = tensors, y, scout

        self.each(run)
        return joined.array, *last

    def tape(self, number: int) -> Again:
        """A tape for the second run of a part, with the settings that were in force around the checkpoint."""
        key = self._seed if self.whole else (*self._seed, number)
        tape = Again(*self._settings, int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0]))
        tape.saving.layers.extend(self._layers)
        return tape


class Recompute(Op):
    """y = fn(inputs), already computed; inputs are those of fn and then the leaves that it used."""

    name = "checkpoint"

    @staticmethod
    def forward(ctx: Any, *arrays: Any, y: Any, spectrum: Any, leaves: list[int], run: Run) -> Any:
        ctx.run, ctx.leaves, ctx.spectrum = run, leaves, spectrum
        ctx.save(**{f"x{i}": array for i, array in enumerate(arrays[: len(run.like)])})
        return y

    @staticmethod
    def backward(ctx: Any, gy: Any) -> tuple[Any, ...]:
        run = ctx.run
        given = [ctx[f"x{i}"].writable() for i in range(len(run.like))]
        arrays = [array for array, _ in given]
        of_leaves: dict[int, Any] = {}
        # part by part, a gradient takes the place of an input that nobody else has
        of_inputs = [Joined(run.parts, array if own else None) for array, own in given]
        del given

        def again(number: int) -> None:
            tensors = run.stand_ins(arrays, number)
            if run.whole:
                arrays.clear()  # the walk frees what it has used
            uids, inner = [tensor.uid for tensor in tensors], run.tape(number)
            found: dict[int, Any] = {}
            with effects.replayed(run.log), inner:
                y = run(tensors)
            g = run.of(gy, number)
            if (y.shape, y.dtype) != (g.shape, g.dtype):
                raise RuntimeError(
                    f"checkpoint: fn gave {g.shape} {g.dtype}, and in its second run {y.shape} {y.dtype}"
                )
            gradients = {y.uid: g}
            del tensors, y, g
            inner.walk(gradients, lambda leaf, g: found.update({leaf.uid: g}))
            for uid, joined in zip(uids, of_inputs, strict=True):
                if uid in found:
                    joined.put(number, found.pop(uid))
            if not found.keys() <= set(ctx.leaves):
                raise RuntimeError("checkpoint: fn used a tensor in its second run that it had not used in its first")
            for uid, g in found.items():
                of_leaves[uid] = of_leaves[uid] + g if uid in of_leaves else g
            run.outer().ran_again(ctx, inner)

        run.each(again)
        return *(joined.array for joined in of_inputs), *(of_leaves.get(uid) for uid in ctx.leaves)


def checkpoint(fn: Callable[..., Tensor], *inputs: Tensor, slices: int = 1) -> Tensor:
    """fn(*inputs), of which a tape keeps the inputs only; its backward runs fn a second time.

    Parameters
    ----------
    fn : callable
        Takes the inputs and returns one Tensor. It may use parameters and anything else from around it; those Tensors
        get their gradients too, and stay alive with fn, so large maps should be inputs. It must do the same in both
        runs: what it changes besides, as random keys and running statistics, goes through `effects.once` (that of
        Dropout and of batch normalisation does).
    *inputs : Tensors of any shapes
        Saved as by any op, so with a lossy store the second run starts from what the store gives back. It starts from
        the exact arrays `with sf.store("dense")` around the call, or under Tape(store={"checkpoint": "dense", ...});
        an input that an earlier op has saved already stays as that op's store keeps it.
    slices : int
        Run fn on that many parts of the batch, one after another, so that only one part's maps are alive. The batch is
        the third axis of maps and spectra (four axes), the first of other arrays, in all inputs and in the result; fn
        must treat images alike and apart, but for batch normalisation, whose statistics are those of the whole batch:
        for each of its calls inside fn, the work up to there is done once more. Dropout draws for the whole batch.

    Returns
    -------
    Tensor
        Bit-equal to fn(*inputs), as are the gradients with a lossless store. A value used inside fn several times and
        outside as well has its gradient summed in another order, and so have, with slices, sums over the batch.

    Raises
    ------
    TypeError
        An input, or the result of fn, is not a Tensor.
    ValueError
        slices below 1, or more than 1 for inputs that do not have one batch in common.
    RuntimeError
        Where the second run is seen to differ from the first, or one slice from another.

    Source: Chen et al., arXiv:1604.06174.

    >>> import numpy as np, specframe as sf
    >>> x = sf.Tensor(np.array([0.5, 1.0]), requires_grad=True)
    >>> with sf.Tape() as tape:
    ...     y = sf.checkpoint(lambda x: sf.ops.sum(x * x * x), x)
    >>> tape.backward(y)
    >>> x.grad
    array([0.75, 3.  ])
    """
    for tensor in inputs:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"checkpoint: inputs are Tensors, got {type(tensor).__name__}; let fn take it from around")
    if slices < 1:
        raise ValueError(f"checkpoint: slices must be 1 or more, got {slices}")
    outer = current()
    if outer is None:
        return _one_tensor(fn(*inputs))
    run = Run(fn, inputs, outer, slices)
    array, tensors, y, scout = run.ahead([tensor.data for tensor in inputs])
    stood_for = {tensor.uid: given for tensor, given in zip(tensors, inputs, strict=True)}
    if not scout.made(y):  # no op made it: it is an input, or comes from around
        return stood_for.get(y.uid, y)
    leaves = [leaf for leaf in scout.leaves if leaf.uid not in stood_for]
    spectrum = y.spectrum if run.whole or y.spectrum is None else y.spectrum.with_active(None)
    return apply(Recompute, *inputs, *leaves, y=array, spectrum=spectrum, leaves=[leaf.uid for leaf in leaves], run=run)


def _one_tensor(y: Any) -> Tensor:
    if not isinstance(y, Tensor):
        raise TypeError(f"checkpoint: fn must return one Tensor, got {type(y).__name__}")
    return y
