"""checkpoint: keep the inputs of a part of the forward, and run that part again when the walk back reaches it.

    forward     y = fn(x)              saves x, and nothing of what fn computes in between
    backward    y = fn(x) again, under a tape of its own, which is walked back from dL/dy to dL/dx

A chain of n layers, cut into sqrt(n) parts of sqrt(n) layers, so holds some 2 sqrt(n) maps at a time instead of n, for
one more forward.

Source: T. Chen, B. Xu, C. Zhang, C. Guestrin, Training Deep Nets with Sublinear Memory Cost, 2016, arXiv:1604.06174.

The parameters inside fn are inputs of the recorded op as well, so that the tape treats it like any op. fn does not list
them: the first run goes by a `Scout`, which keeps nothing but the leaves that it meets.
"""

import weakref

import numpy as np

from specframe import effects
from specframe.storage import get_store
from specframe.tape import Op, Tape, apply, current
from specframe.tensor import Tensor


class Scout(Tape):
    """Goes ahead of the tape: under it ops save nothing; `leaves` are those met that require a gradient."""

    @property
    def leaves(self):
        return list(self._leaves.values())

    def _begin(self, store):
        return get_store(store)  # nothing will be packed, and the store may be serving another tape

    def _needs(self, inputs):
        wanted = [t for t in inputs if t is not None and t.requires_grad and t.uid not in self._made]
        self._leaves.update((tensor.uid, tensor) for tensor in wanted)
        return (False,) * len(inputs)

    def _add(self, op, ctx, inputs, y):
        self._made.add(y.uid)
        y.requires_grad = any(tensor is not None and tensor.requires_grad for tensor in inputs)

    def made(self, tensor):
        return tensor.uid in self._made


class Run:
    """`fn` with what its two runs need besides the arrays. The tape is held weakly, because its record holds this."""

    def __init__(self, fn, log, inputs, outer):
        self.fn, self.log = fn, log
        self.like = [(tensor.requires_grad, tensor.spectrum) for tensor in inputs]
        self.outer, self._layers = weakref.ref(outer), list(outer._layers)
        number = len(outer._made)  # another for each checkpoint of the forward
        seed = int(np.random.SeedSequence((outer.seed, number)).generate_state(1, np.uint64)[0])
        self._settings = outer.store, outer.recompute, seed

    def tape(self):
        """The second run's tape, with the settings that were in force around the checkpoint."""
        tape = Tape(*self._settings)
        tape._layers.extend(self._layers)
        return tape

    def stand_ins(self, arrays):
        """Leaves that fn gets in place of its inputs: what it takes from elsewhere can then be told from them."""
        tensors = []
        for array, (requires_grad, spectrum) in zip(arrays, self.like, strict=True):
            tensors.append(Tensor(array, requires_grad))
            tensors[-1].spectrum = spectrum
        return tensors

    def __call__(self, tensors):
        return _one_tensor(self.fn(*tensors))


class Recompute(Op):
    """y = fn(inputs), already computed; inputs are those of fn and then the leaves that it used."""

    name = "checkpoint"

    @staticmethod
    def forward(ctx, *arrays, y, leaves, run):
        ctx.run, ctx.leaves, ctx.carries = run, leaves, y.spectrum
        ctx.save(**{f"x{i}": array for i, array in enumerate(arrays[: len(run.like)])})
        return y.data

    @staticmethod
    def backward(ctx, gy):
        run, found = ctx.run, {}
        tensors = run.stand_ins([ctx[f"x{i}"].dense() for i in range(len(run.like))])
        asked = [tensor.uid for tensor in tensors] + ctx.leaves
        inner = run.tape()
        with effects.replayed(run.log), inner:
            y = run(tensors)
        if (y.shape, y.dtype) != (gy.shape, gy.dtype):
            raise RuntimeError(f"checkpoint: fn gave {gy.shape} {gy.dtype}, and in its second run {y.shape} {y.dtype}")
        gradients = {y.uid: gy}
        del tensors, y  # the walk frees what it has used
        inner._walk(gradients, lambda leaf, g: found.update({leaf.uid: g}))
        if not found.keys() <= set(asked):
            raise RuntimeError("checkpoint: fn used a tensor in its second run that it had not used in its first")
        run.outer()._ran_again(ctx, inner)
        return tuple(found.get(uid) for uid in asked)


def checkpoint(fn, *inputs):
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

    Returns
    -------
    Tensor
        Bit-equal to fn(*inputs), as are the gradients with a lossless store. A value used inside fn several times and
        outside as well has its gradient summed in another order.

    Raises
    ------
    TypeError
        An input, or the result of fn, is not a Tensor.
    RuntimeError
        In the backward, where the second run is seen to differ from the first.

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
    outer = current()
    if outer is None:
        return _one_tensor(fn(*inputs))
    log, scout = [], Scout(seed=outer.seed)  # it draws nothing, and must not take the number of a tape without a seed
    run = Run(fn, log, inputs, outer)
    tensors = run.stand_ins([tensor.data for tensor in inputs])
    with effects.logged(log), scout:
        y = run(tensors)
    stood_for = {tensor.uid: given for tensor, given in zip(tensors, inputs, strict=True)}
    if not scout.made(y):  # no op made it: it is an input, or comes from around
        return stood_for.get(y.uid, y)
    leaves = [leaf for leaf in scout.leaves if leaf.uid not in stood_for]
    return apply(Recompute, *inputs, *leaves, y=y, leaves=[leaf.uid for leaf in leaves], run=run)


def _one_tensor(y):
    if not isinstance(y, Tensor):
        raise TypeError(f"checkpoint: fn must return one Tensor, got {type(y).__name__}")
    return y
