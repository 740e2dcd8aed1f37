"""Saving: what one tape keeps between forward and backward, and how.

An op names arrays; here each becomes a handle. Which kind, in this order:

    borrowed    a parameter, or a batch that the caller holds: lives anyway, costs nothing
    remade      its recipe says how to compute it again from what is kept anyway
    packed      by the store that is in force

One array saved by two ops is packed once. Handles are held by the records that need them, and here weakly: a packed
array does not keep its dense original alive, and is gone when its last record is.
"""

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any

import numpy as np

from specframe.op import Context, Decisions, Op
from specframe.saving.bits import Bits
from specframe.saving.borrowed import Borrowed
from specframe.saving.handle import Handle
from specframe.saving.ledger import Ledger
from specframe.saving.registry import get_store
from specframe.saving.remade import DEEPEST, Recipe, Remade, depth_of
from specframe.saving.sparse import Sparse
from specframe.saving.store import Store
from specframe.tensor import Tensor


class Saving:
    """What a tape keeps.

    Parameters
    ----------
    store : what get_store takes
    recompute : None or "block", as in Tape
    seed : int, of what a lossy store draws
    check : bool, whether changes of saved arrays are looked for in every byte

    Attributes
    ----------
    made : set of int
        uids of the tensors that ops returned under this tape; others are leaves, or come from around.
    ledger : Ledger
    peak_bytes : int
        The most bytes held at any one time.
    """

    def __init__(self, store: Any, recompute: str | None, seed: int, check: bool = False) -> None:
        self.recompute, self.seed, self.check = recompute, seed, check
        self.made: set[int] = set()
        self.layers: list[str] = []  # names of the layers that are running, outermost first
        self._stores: list[Store] = []  # every store that serves this tape
        self._chosen = [self.begin(store)]  # the innermost last
        self._handles: weakref.WeakValueDictionary[int, Handle] = weakref.WeakValueDictionary()  # by uid
        self._entries: list[tuple[str, str, str, Handle]] = []  # (layer, op, name, handle), in order of the forward
        self._ledger: Ledger | None = None  # once the forward is over
        self._peak = 0

    def begin(self, store: Any) -> Store:
        """The Store that this describes, from now on serving this tape."""
        begun = get_store(store)
        begun.begin((self.seed, len(self._stores)))
        self._stores.append(begun)
        return begun

    @property
    def store(self) -> Store:
        """The Store that is in force."""
        return self._chosen[-1]

    @contextlib.contextmanager
    def chosen(self, store: Any) -> Iterator[None]:
        """While this context lasts, another store is in force."""
        self._chosen.append(self.begin(store))
        try:
            yield
        finally:
            self._chosen.pop()

    @contextlib.contextmanager
    def layer(self, name: str) -> Iterator[None]:
        """While this context lasts, what is saved belongs to the layer `name`, inside those around it."""
        self.layers.append(name)
        try:
            yield
        finally:
            self.layers.pop()

    # ---- packing -----------------------------------------------------------------------------------------------

    def pack(self, op: type[Op], ctx: Context, inputs: tuple[Tensor | None, ...], output: Tensor) -> None:
        """Put handles in the place of the arrays that `op` saved on `ctx`."""
        store, layer = self.store.of(op.name), ".".join(filter(None, self.layers))
        for name, value in ctx.saved.items():
            if isinstance(value, Decisions):
                handle: Handle = Bits(ctx.backend, *value)
            else:
                if isinstance(value, np.generic):  # what NumPy makes of 0-d arrays
                    value = np.asarray(value)
                handle = self._pack_array(value, inputs, output, store, name in op.exact_zeros)
            handle.watch(self.check)
            ctx.saved[name] = handle
            self._entries.append((layer, op.name, name, handle))

    def _pack_array(
        self, value: Any, inputs: tuple[Tensor | None, ...], output: Tensor, store: Store, exact_zeros: bool
    ) -> Handle:
        """A handle of a saved array, which may be that of one of the op's tensors, or private to the op."""
        sparse = value if isinstance(value, Sparse) else None
        array = sparse.array if sparse else value
        for tensor in (*inputs, output):
            if tensor is not None and tensor.data is array:
                return self._handle(tensor, store, sparse, exact_zeros)
        return store.pack(array, sparse, exact_zeros)

    def _handle(self, tensor: Tensor, store: Store, sparse: Sparse | None = None, exact_zeros: bool = False) -> Handle:
        """The handle of a tensor that an op wants to keep."""
        handle = self._handles.get(tensor.uid)
        if handle is None:
            if tensor.recipe is not None:
                sources = [self._handle(s, store) if isinstance(s, Tensor) else s for s in tensor.recipe.sources]
                handle = Remade(tensor.recipe, sources)
            elif tensor.uid not in self.made:
                handle = Borrowed(tensor.data)
            else:
                handle = store.pack(tensor.data, sparse, exact_zeros)
            self._handles[tensor.uid] = handle
        return handle

    def handle_of(self, uid: int) -> Handle | None:
        """The handle of a value, by its tensor's uid, where a record holds one."""
        return self._handles.get(uid)

    def _free_handle(self, tensor: Tensor) -> Handle | None:
        """The handle of a tensor that costs nothing more to keep: saved already, borrowed, or remade from such."""
        handle = self._handles.get(tensor.uid)
        if handle is None and tensor.recipe is not None:
            sources = [self._free_handle(s) if isinstance(s, Tensor) else s for s in tensor.recipe.sources]
            if all(source is not None for source in sources):
                handle = Remade(tensor.recipe, sources)
        elif handle is None and tensor.uid not in self.made:
            handle = Borrowed(tensor.data)
        return handle

    def recipe(self, op: type[Op], ctx: Context, inputs: list[Tensor], y: Tensor) -> Recipe | None:
        """How y, a result of `op`, can be computed again, or None.

        Where an op recomputes "always", y is as large as its sources or a view of them, and the recipe may hold the
        source tensors; else it holds handles only, so that it keeps no map alive.
        """
        if op.recompute is None or max(map(depth_of, inputs), default=0) >= DEEPEST:
            return None
        if op.recompute == "always":
            return Recipe(op, ctx, inputs, y)
        if ctx.recording and (op.recompute == "if_kept" or op.recompute == self.recompute):
            sources = [self._free_handle(tensor) for tensor in inputs]
            if all(source is not None for source in sources):
                return Recipe(op, ctx, sources, y)
        return None

    # ---- the end of the forward, and the count of bytes ----------------------------------------------------------

    @property
    def ledger(self) -> Ledger:
        """What is held, op by op; after the forward, what was held at its end."""
        if self._ledger is not None:
            return self._ledger
        for store in self._stores:
            store.flush()
        return Ledger(self._entries)

    @property
    def peak_bytes(self) -> int:
        return max(self._peak, self.ledger.nbytes)

    def settle(self) -> None:
        """The forward is over: take the ledger, and hold handles by the records alone from here on."""
        self._ledger = self.ledger
        self._entries.clear()

    def discard(self) -> None:
        """The forward failed: forget everything."""
        self._entries.clear()
        for store in self._stores:
            store.discard()

    def ran_again(self, contexts: list[Context], inner_peak: int) -> None:
        """A part ran a second time and held `inner_peak` bytes, beside what these contexts hold."""
        held = Ledger([("", "", name, handle) for ctx in contexts for name, handle in ctx.saved.items()])
        self._peak = max(self._peak, held.nbytes + inner_peak)
