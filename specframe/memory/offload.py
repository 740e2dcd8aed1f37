"""offload: another format, its buffers moved out of memory until the backward asks (vDNN, Rhu et al. 2016).

    bytes = 0        moved = bytes of the inner format

On the CPU they go to one anonymous temporary file (scratch.py); on a GPU to pinned host memory, copied while the device
computes on. The file's end falls back as the backward, walking from the last block to the first, lets go of what it has
read.

A file is memory after all where its directory is a RAM disk, as /tmp is on some systems: name another then.
"""

import collections
import copy
import os
from collections.abc import Callable
from typing import Any

from specframe import backend
from specframe.backend import Backend
from specframe.memory.reduced import SMALL
from specframe.memory.scratch import Extent, Scratch
from specframe.memory.values import Encoded
from specframe.saving.auto import AutoStore
from specframe.saving.by_op import ByOp
from specframe.saving.handle import Bytes, Handle
from specframe.saving.sparse import Sparse
from specframe.saving.store import Store

IN_FLIGHT = 2  # device arrays that may wait for their copies while the next op computes; more would keep more memory


# ---- places ----------------------------------------------------------------------------------------------------


class Pinned:
    """An array that was copied, or is being copied, from a device to pinned host memory."""

    def __init__(self, b: Backend, host: Any, copied: Any) -> None:
        self._backend, self._host, self._copied = b, host, copied

    def read(self) -> Any:
        self._backend.wait(self._copied)
        return self._backend.from_pinned(self._host)


Write = Callable[[Backend, Any], Extent | Pinned]


class Away:
    """A buffer elsewhere. It comes back in the order of axes it had, so that sums over it round as before."""

    def __init__(self, b: Backend, array: Any, write: Write) -> None:
        self._axes = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
        straight = array.transpose(self._axes)
        self._place = write(b, straight if straight.flags.c_contiguous else b.xp.ascontiguousarray(straight))

    def read(self) -> Any:
        return self._place.read().transpose(sorted(range(len(self._axes)), key=self._axes.__getitem__))


def exchange(thing: Any, kind: type, other: Callable[[Any], Any]) -> Any:
    """A copy of a handle, or of a part of one, with other(part) for each part of this kind; the rest is shared."""
    if isinstance(thing, kind):
        return other(thing)
    if type(thing) in (list, tuple):
        return type(thing)(exchange(part, kind, other) for part in thing)
    if isinstance(thing, Handle | Encoded) or hasattr(thing, "indptr"):  # the last is the library's sparse array
        new = copy.copy(thing)
        vars(new).update({name: exchange(part, kind, other) for name, part in vars(thing).items()})
        return new
    return thing


# ---- the handle and the store ----------------------------------------------------------------------------------


class Offloaded(Handle):
    """A handle without its buffers; each question reads them back and lets them go again."""

    def __init__(self, b: Backend, inner: Handle) -> None:
        self._backend, self._inner = b, inner
        self.shape, self.dtype = inner.shape, inner.dtype

    format = property(lambda self: f"offload {self._inner.format}")
    bytes = property(lambda self: Bytes() if self.moved else self._inner.bytes)
    density = property(lambda self: self._inner.density)
    settled = property(lambda self: self._inner.settled)

    def move(self, write: Write) -> None:
        b, moved = self._backend, 0

        def send(part: Any) -> Any:
            nonlocal moved
            moved += part.nbytes
            return Away(b, part, write) if part.size else part

        self._inner = exchange(self._inner, b.array_type, send)
        self.moved = moved

    def _whole(self) -> Any:
        return exchange(self._inner, Away, Away.read)

    def dense(self) -> Any:
        return self._whole().dense()

    def writable(self) -> tuple[Any, bool]:
        array = self.dense()
        return array, self.moved > 0 and array.flags.c_contiguous

    def sparse(self) -> Sparse:
        entries: Sparse = self._whole().sparse()
        return entries


class OffloadStore(Store):
    """Pack as another store does, then move the buffers out of memory. Arrays below 1024 entries stay.

    As text: "offload", "offload:mask", "offload:auto:/path/of/a/directory" (told by its separator).

    Threads may share one. After a fork, the backward runs in the process that ran the forward; a child may run both
    (it gets a file of its own), and may end without touching its parent's.

    Parameters
    ----------
    inner : Store or None
        What packs first; None is auto.
    directory : str, path or None
        Of the temporary file; None is the system's. A GPU does not use it.

    Raises
    ------
    ValueError
        An inner store that chooses by op: name offload inside its choice instead.
    OSError
        From `pack`, naming the directory: it does not exist, or its disk is full.
    RuntimeError
        From a handle that is read in a child of the process that packed it.
    """

    name = "offload"

    def __init__(self, inner: Store | None = None, directory: "str | os.PathLike[str] | None" = None) -> None:
        if isinstance(inner, ByOp):
            raise ValueError("offload: cannot choose by op; choose it for ops instead: {'conv2d': 'offload:auto'}")
        self._inner = inner or AutoStore()
        self.lossless = self._inner.lossless
        self._scratch = Scratch(directory)
        self._unsettled: list[Offloaded] = []  # their format waits for a count from the device
        self._leaving: collections.deque[tuple[Backend, Any, Any]] = collections.deque()
        # (backend, array, event): the copy must end before the array's memory is reused

    def begin(self, key: tuple[int, ...]) -> None:
        self._inner.begin(key)

    def pack(self, array: Any, sparse: Sparse | None = None, exact_zeros: bool = False) -> Handle:
        with self._file().lock:
            handle = self._inner.pack(array, sparse, exact_zeros)
            if array.size < SMALL:
                return handle
            handle = Offloaded(backend.of("offload", array), handle)
            self._unsettled.append(handle)
            self._move()
            return handle

    def flush(self) -> None:
        with self._file().lock:
            self._inner.flush()
            self._move()
            while self._leaving:
                self._let_go()

    def discard(self) -> None:
        with self._file().lock:
            self._inner.discard()
            self._unsettled.clear()
            while self._leaving:
                self._let_go()

    def _move(self) -> None:
        waiting, self._unsettled = self._unsettled, []
        for handle in waiting:
            if handle.settled:
                handle.move(self._write)
            else:
                self._unsettled.append(handle)

    def _file(self) -> Scratch:
        """The file of this process: a child gets one of its own."""
        if self._scratch.process != os.getpid():
            self._scratch = Scratch(self._scratch.directory)
        return self._scratch

    def _write(self, b: Backend, array: Any) -> Extent | Pinned:
        if b is backend.get("cpu"):
            return self._file().write(array)
        host, copied = b.to_pinned(array)
        self._leaving.append((b, array, copied))
        if len(self._leaving) > IN_FLIGHT:
            self._let_go()
        return Pinned(b, host, copied)

    def _let_go(self) -> None:
        b, array, copied = self._leaving.popleft()
        b.wait(copied)
        del array  # only now: what the device computes next may take its memory
