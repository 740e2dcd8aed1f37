"""The tape: ops are recorded in the order in which they run, and walked back in reverse.

    with Tape() as tape:                       a = x * x        record 0     x -> a
        loss = ops.sum(b + a)                  b = a + x        record 1     a, x -> b   ...
    tape.backward(loss)

A record that has run is older than every record that uses its output, so reading the list backwards meets each value
only after all its uses: no graph search is needed, and a value used twice has both gradients added up by then.

Records hold numbers that name values (`Tensor.uid`), shapes, and handles of what the op saved: never Tensors, so that
a packed array does not keep its dense original alive. They are dropped one by one as the walk uses them.
"""

import contextlib
import itertools
import threading
import weakref

from specframe import backend
from specframe.storage import Bits, Borrowed, Ledger, Remade, Sparse, get_store
from specframe.tensor import Tensor


class Op:
    """One operation: a pair of functions on arrays.

    `forward(ctx, *arrays, **options)` returns the result; `backward(ctx, gy)` returns one gradient for each array of
    forward, None where there is none. `remake(ctx, *arrays)`, where it exists, makes the result again from the arrays
    of forward; `provenance` says when a consumer that wants to save the result should keep the sources instead:

        "cheap"   always (a view, or a transform that costs less than the bytes)
        "kept"    from sources that are saved anyway, else the result itself is saved
        "block"   as "kept", but only under Tape(recompute="block")

    `decisions` names the saved arrays whose zeros the backward reads as decisions: a lossy store keeps their support.
    """

    name = None
    provenance = None
    decisions = ()

    @staticmethod
    def forward(ctx, *arrays, **options):
        raise NotImplementedError

    @staticmethod
    def backward(ctx, gy):
        raise NotImplementedError


class Context:
    """What one op keeps from its forward to its backward.

    Small things (shapes, options) are plain attributes. Arrays go through `save` and `save_bits` and come back as
    handles: `ctx["x"].dense()`.

    Attributes
    ----------
    needs : tuple of bool
        For each input, whether its gradient will be asked for. All False outside a tape.
    recording : bool
        Whether anything saved will be used.
    carries : Spectrum or None
        Set by an op whose result is a half spectrum: what the result's Tensor says about it.
    """

    carries = None

    def __init__(self, b, needs):
        self.backend = b
        self.xp = b.xp
        self.needs = needs
        self.recording = any(needs)
        self._saved = {}

    def save(self, **values):
        """Keep arrays of numbers: inputs, the output, or others. A lossy store may round them."""
        if self.recording:
            self._saved.update(values)

    def save_bits(self, levels=2, **decisions):
        """Keep decisions (booleans, or integers below `levels`), always exactly."""
        if self.recording:
            for name, decision in decisions.items():
                self._saved[name] = Bits(self.backend, decision, levels)

    def __getitem__(self, name):
        return self._saved[name]


class Recipe:
    """How the engine can make a tensor again: an op, its context, and the tensors or handles it was made from."""

    __slots__ = ("ctx", "dtype", "op", "shape", "sources")

    def __init__(self, op, ctx, sources, like):
        self.op, self.ctx, self.sources = op, ctx, sources
        self.shape, self.dtype = like.shape, like.dtype


class Record:
    """One op that ran: names of its inputs and output, what its inputs looked like, and what it saved."""

    __slots__ = ("completes", "ctx", "inputs", "like", "op", "output")

    def __init__(self, op, ctx, inputs, like, output):
        self.op, self.ctx, self.inputs, self.like, self.output = op, ctx, inputs, like, output
        self.completes = []  # leaves whose first use this is: walking back, their gradient is complete here


_active = threading.local()
_forwards = itertools.count()  # so that tapes without a seed differ in what their stores draw


def current():
    """The innermost tape that is recording in this thread, or None."""
    stack = getattr(_active, "stack", None)
    return stack[-1] if stack else None


@contextlib.contextmanager
def store(store):
    """Keep what the ops inside save by another store than the tape's: `with store("mask8"): ...`.

    Without a tape nothing is saved, and nothing happens. Nested, the innermost counts. An array that an earlier op has
    saved stays as it is.

    Raises
    ------
    ValueError
        As storage.get_store does.
    """
    tape = current()
    if tape is None:
        get_store(store)
        yield
        return
    tape._chosen.append(tape._begin(store))
    try:
        yield
    finally:
        tape._chosen.pop()


class Tape:
    """Records the ops that run inside its `with` block.

    Parameters
    ----------
    store : str, dict or Store
        How values are kept: "auto" (lossless, the smallest for each array), or another of storage.STORES with its
        settings, as "spectral:0.1:int8"; a dict chooses by the name of the op. `store()` chooses for a part.
    recompute : None or "block"
        "block" keeps, between two stored spectra, neither maps nor pooled maps: they are made again on the way back.
    seed : int or None
        Of what a lossy store draws at random. None: another for each tape of the process.

    Attributes
    ----------
    ledger : Ledger
        What was saved, op by op, at the end of the forward. A snapshot of numbers, readable after the backward.
    peak_bytes : int
        The most bytes that were saved at any one time: `ledger.nbytes`, or more where a checkpoint ran again.
    """

    def __init__(self, store="auto", recompute=None, seed=None):
        if recompute not in (None, "block"):
            raise ValueError(f"Tape: unknown recompute {recompute!r}, expected None or 'block'")
        self.seed = next(_forwards) if seed is None else seed
        self._stores = []  # every store that serves this tape, the innermost of `_chosen` last
        self._chosen = [self._begin(store)]
        self._layers = []  # names of the layers that are running, outermost first
        self.recompute = recompute
        self._records = []
        self._made = set()  # uids of tensors that ops of this tape returned
        self._leaves = {}  # uid -> Tensor, for the leaves that want a gradient
        self._handles = weakref.WeakValueDictionary()  # uid -> handle, as long as a record needs it
        self._entries = []  # (layer, op name, name of the array, handle), for the ledger
        self._ledger = None
        self._peak = 0  # bytes held while a checkpoint ran again
        self._spent = self._entered = False

    def __enter__(self):
        if self._entered:
            raise RuntimeError("Tape: a tape records one forward; make a new one for the next")
        self._entered = True
        if not hasattr(_active, "stack"):
            _active.stack = []
        _active.stack.append(self)
        return self

    def __exit__(self, kind, error, traceback):
        _active.stack.remove(self)
        if kind is not None:
            self._records.clear()
            self._entries.clear()
            self._leaves.clear()
            for store in self._stores:
                store.discard()
            self._spent = True
        elif not self._spent:
            self._settle()

    def _begin(self, store):
        store = get_store(store)
        store.begin((self.seed, len(self._stores)))
        self._stores.append(store)
        return store

    @property
    def store(self):
        """The Store that is in force."""
        return self._chosen[-1]

    @contextlib.contextmanager
    def layer(self, name):
        """While this context lasts, what is saved belongs to the layer `name`, inside those around it."""
        self._layers.append(name)
        try:
            yield
        finally:
            self._layers.pop()

    @property
    def ledger(self):
        return self._ledger if self._ledger is not None else self._snapshot()

    @property
    def peak_bytes(self):
        return max(self._peak, self.ledger.nbytes)

    def _ran_again(self, ctx, inner):
        """A checkpoint, whose context is `ctx`, ran again under `inner` while the records left here were held."""
        contexts = [ctx, *(record.ctx for record in self._records)]
        held = Ledger([("", "", name, handle) for c in contexts for name, handle in c._saved.items()])
        self._peak = max(self._peak, held.nbytes + inner.peak_bytes)

    def _settle(self):
        """Take the snapshot, and hold handles by the records alone from here on."""
        self._ledger = self.ledger
        self._entries.clear()

    def _snapshot(self):
        for store in self._stores:
            store.flush()
        return Ledger(self._entries)

    # ---- recording ---------------------------------------------------------------------------------------------

    def _needs(self, inputs):
        """For each input (or None) of an op that is about to run: will its gradient be asked for?"""
        return tuple(tensor is not None and tensor.requires_grad for tensor in inputs)

    def _add(self, op, ctx, inputs, y):
        """Note that `op` made y from `inputs`, which may hold None."""
        self._made.add(y.uid)
        if ctx.recording:
            self._record(op, ctx, inputs, y)
        y.recipe = self._recipe(op, ctx, [tensor for tensor in inputs if tensor is not None], y)

    def _record(self, op, ctx, inputs, output):
        """Pack what `op` saved and write the record."""
        store, layer = self.store.of(op.name), ".".join(filter(None, self._layers))
        for name, value in ctx._saved.items():
            if not isinstance(value, Bits):
                ctx._saved[name] = self._keep_array(value, inputs, output, store, name in op.decisions)
            self._entries.append((layer, op.name, name, ctx._saved[name]))
        like = [None if t is None else (t.shape, t.dtype) for t in inputs]
        record = Record(op, ctx, [None if t is None else t.uid for t in inputs], like, output.uid)
        for tensor in inputs:
            if tensor is not None and tensor.requires_grad and tensor.uid not in self._made:
                if tensor.uid not in self._leaves:
                    self._leaves[tensor.uid] = tensor
                    record.completes.append(tensor.uid)
        self._records.append(record)

    def _keep_array(self, value, inputs, output, store, decisions):
        """A handle of a saved array, which may be one of the op's tensors, or private to the op."""
        sparse = value if isinstance(value, Sparse) else None
        array = sparse.array if sparse else value
        for tensor in (*inputs, output):
            if tensor is not None and tensor.data is array:
                return self._keep(tensor, store, sparse, decisions)
        return store.pack(array, sparse, decisions)

    def _keep(self, tensor, store, sparse=None, decisions=False):
        handle = self._handles.get(tensor.uid)
        if handle is None:
            if tensor.uid not in self._made and tensor.recipe is None:
                handle = Borrowed(tensor.data)
            elif tensor.recipe is not None:
                recipe = tensor.recipe
                handle = Remade(recipe, [self._keep(s, store) if isinstance(s, Tensor) else s for s in recipe.sources])
            else:
                handle = store.pack(tensor.data, sparse, decisions)
            self._handles[tensor.uid] = handle
        return handle

    def _kept(self, tensor):
        """The handle of a tensor that costs nothing more to keep: it is saved, borrowed, or made from such."""
        handle = self._handles.get(tensor.uid)
        if handle is None and tensor.recipe is not None:
            sources = [self._kept(s) if isinstance(s, Tensor) else s for s in tensor.recipe.sources]
            if all(source is not None for source in sources):
                handle = Remade(tensor.recipe, sources)
        elif handle is None and tensor.uid not in self._made:
            handle = Borrowed(tensor.data)
        return handle

    def _recipe(self, op, ctx, inputs, y):
        """The recipe of y, a result of `op`, or None. A "kept" or "block" recipe holds handles only, so that it keeps
        no map alive; a "cheap" one may hold the source tensors, since y itself is as large or a view."""
        if op.provenance == "cheap":
            return Recipe(op, ctx, inputs, y)
        if ctx.recording and (op.provenance == "kept" or (op.provenance == "block" and self.recompute == "block")):
            sources = [self._kept(tensor) for tensor in inputs]
            if all(source is not None for source in sources):
                return Recipe(op, ctx, sources, y)
        return None

    # ---- walking back ------------------------------------------------------------------------------------------

    def backward(self, y, gy=None, on_grad=None):
        """Add dL/dt to `.grad` of every leaf t that requires it.

        Parameters
        ----------
        y : Tensor
            Computed under this tape.
        gy : array or None
            The cotangent dL/dy, of y's shape and dtype (complex too). None means 1, for a scalar y.
        on_grad : callable or None
            Called with each leaf as soon as its gradient is complete, last layers first.

        Raises
        ------
        RuntimeError
            On a second call: entries are freed as they are used.
        ValueError
            When y was not computed under this tape from anything that requires a gradient, or gy does not fit.
        """
        if self._spent:
            raise RuntimeError("backward: this tape is spent (entries are freed as they are used); record a new one")
        if y.uid not in self._made or not y.requires_grad:
            raise ValueError("backward: the tensor was not computed under this tape from one that requires a gradient")

        def deliver(leaf, g):
            leaf.grad = g if leaf.grad is None else leaf.grad + g
            if on_grad is not None:
                on_grad(leaf)

        self._walk({y.uid: _cotangent(y, gy)}, deliver)

    def _walk(self, gradients, deliver):
        """Go back from `gradients`, a dict by uid; `deliver(leaf, g)` gets each leaf with its whole gradient."""
        self._spent = True
        self._settle()
        try:
            self._walk_records(gradients, deliver)
        finally:
            self._records.clear()
            self._leaves.clear()

    def _walk_records(self, gradients, deliver):
        while self._records:
            record = self._records.pop()
            gy = gradients.pop(record.output, None)
            if gy is not None:
                for uid, g in zip(record.inputs, _checked(record, gy), strict=True):
                    if g is not None:
                        if uid in self._leaves and (g is gy or g.base is not None):
                            g = g.copy()  # a leaf's gradient is its own: it may be changed in place
                        gradients[uid] = gradients[uid] + g if uid in gradients else g
            for uid in record.completes:
                leaf, g = self._leaves.pop(uid), gradients.pop(uid, None)
                if g is not None:
                    deliver(leaf, g)


def _cotangent(y, gy):
    if gy is None:
        if y.size != 1:
            raise ValueError(f"backward: y has shape {y.shape}; only a scalar needs no cotangent gy")
        return y.backend.xp.ones(y.shape, y.dtype)
    gy = gy.data if isinstance(gy, Tensor) else gy
    backend.of("backward", y.data, gy)
    if gy.shape != y.shape or gy.dtype != y.dtype:
        raise ValueError(f"backward: gy is {gy.shape} {gy.dtype}, but y is {y.shape} {y.dtype}")
    return gy


def _checked(record, gy):
    """The op's gradients, each of its input's shape and dtype; a rule that breaks this is named here, for all ops."""
    gradients = record.op.backward(record.ctx, gy)
    if not isinstance(gradients, tuple):
        gradients = (gradients,)
    if len(gradients) != len(record.inputs):
        raise RuntimeError(
            f"{record.op.name}: backward gave {len(gradients)} gradients for {len(record.inputs)} inputs"
        )
    result = []
    for i, (g, like, needed) in enumerate(zip(gradients, record.like, record.ctx.needs, strict=True)):
        if not needed:
            g = None
        elif g is not None and (g.shape, g.dtype) != like:
            raise RuntimeError(
                f"{record.op.name}: the gradient of input {i} is {g.shape} {g.dtype}, the input {like[0]} {like[1]}"
            )
        result.append(g)
    return result


def check_tensors(op, *inputs):
    """Refuse, in a sentence that names the op, what is neither a Tensor nor None."""
    for tensor in inputs:
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"{op}: expected a Tensor, got {type(tensor).__name__}; wrap it: sf.Tensor(array)")


def apply(op, *inputs, **options):
    """Run an op on Tensors (None for an absent one) and record it where a tape is listening."""
    check_tensors(op.name, *inputs)
    arrays = [None if tensor is None else tensor.data for tensor in inputs]
    b = backend.of(op.name, *arrays)
    tape = current()
    ctx = Context(b, (False,) * len(inputs) if tape is None else tape._needs(inputs))
    y = Tensor(op.forward(ctx, *arrays, **options), requires_grad=ctx.recording)
    y.spectrum = ctx.carries
    if tape is not None:
        tape._add(op, ctx, inputs, y)
    return y
