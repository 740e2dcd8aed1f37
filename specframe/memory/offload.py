"""offload: another format, its buffers moved out of memory until the backward asks (vDNN, Rhu et al. 2016).

    bytes = 0        moved = bytes of the inner format

On the CPU they go to one anonymous temporary file; on a GPU to pinned host memory, copied while the device computes on.
The file's end falls back as the backward, walking from the last block to the first, lets go of what it has read.

A file is memory after all where its directory is a RAM disk, as /tmp is on some systems: name another then.
"""

import collections
import copy
import functools
import tempfile
import weakref

import numpy as np

from specframe import backend
from specframe.memory.reduced import SMALL
from specframe.memory.values import Encoded
from specframe.saving.auto import AutoStore
from specframe.saving.by_op import ByOp
from specframe.saving.handle import Bytes, Handle
from specframe.saving.store import Store

IN_FLIGHT = 2  # device arrays that may wait for their copies while the next op computes; more would keep more memory


# ---- a file ----------------------------------------------------------------------------------------------------


class Extent:
    """An array that lies in a file; its space is free when this object dies."""

    def __init__(self, scratch, start, array):
        self._scratch, self._start = scratch, start
        self._shape, self._dtype = array.shape, array.dtype

    def read(self):
        array = np.empty(self._shape, self._dtype)
        self._scratch.read_into(array, self._start)
        return array


class Scratch:
    """A temporary file without a name, made at the first write and closed when nobody needs it any more."""

    def __init__(self, directory=None):
        self.directory = directory or tempfile.gettempdir()
        self._ends = {}  # start -> end of each extent that lives

    @functools.cached_property
    def file(self):
        file = tempfile.TemporaryFile(buffering=0, dir=self.directory)
        weakref.finalize(self, file.close)
        return file

    @property
    def end(self):
        return max(self._ends.values(), default=0)

    def write(self, array):
        """An Extent of a contiguous array of at least one entry, behind all others."""
        start, rest = self.end, flat_bytes(array)
        try:
            self.file.seek(start)
            while len(rest):  # one call writes 2 GiB at most
                rest = rest[self.file.write(rest) :]
        except OSError as error:
            if "file" in vars(self):
                self.file.truncate(start)
            where = f"a file in {self.directory}: {error.strerror}"
            raise OSError(error.errno, f"offload: cannot write {array.nbytes:,} bytes to {where}") from error
        extent = Extent(self, start, array)
        self._ends[start] = start + array.nbytes
        weakref.finalize(extent, self._free, start)
        return extent

    def read_into(self, array, start):
        self.file.seek(start)
        rest = flat_bytes(array)
        while len(rest):
            count = self.file.readinto(rest)
            if not count:
                raise OSError(f"offload: the temporary file in {self.directory} is shorter than what was written to it")
            rest = rest[count:]

    def _free(self, start):
        del self._ends[start]
        self.file.truncate(self.end)


def flat_bytes(array):
    """The memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8)


# ---- pinned memory ---------------------------------------------------------------------------------------------


class Pinned:
    """An array that was copied, or is being copied, from a device to pinned host memory."""

    def __init__(self, b, host, copied):
        self._backend, self._host, self._copied = b, host, copied

    def read(self):
        self._backend.wait(self._copied)
        return self._backend.from_pinned(self._host)


# ---- handles ---------------------------------------------------------------------------------------------------


class Away:
    """A buffer elsewhere. It comes back in the order of axes it had, so that sums over it round as before."""

    def __init__(self, b, array, write):
        self._axes = sorted(range(array.ndim), key=lambda axis: -array.strides[axis])
        straight = array.transpose(self._axes)
        self._place = write(b, straight if straight.flags.c_contiguous else b.xp.ascontiguousarray(straight))

    def read(self):
        return self._place.read().transpose(sorted(range(len(self._axes)), key=self._axes.__getitem__))


def exchange(thing, kind, other):
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


class Offloaded(Handle):
    """A handle without its buffers; each question reads them back and lets them go again."""

    def __init__(self, b, inner):
        self._backend, self._inner = b, inner
        self.shape, self.dtype = inner.shape, inner.dtype

    format = property(lambda self: f"offload {self._inner.format}")
    bytes = property(lambda self: Bytes() if self.moved else self._inner.bytes)
    density = property(lambda self: self._inner.density)
    settled = property(lambda self: self._inner.settled)

    def move(self, write):
        b, sizes = self._backend, []

        def send(part):
            sizes.append(part.nbytes)
            return Away(b, part, write) if part.size else part

        self._inner = exchange(self._inner, b.array_type, send)
        self.moved = sum(sizes)

    def _whole(self):
        return exchange(self._inner, Away, Away.read)

    def dense(self):
        return self._whole().dense()

    def writable(self):
        array = self.dense()
        return array, self.moved > 0 and array.flags.c_contiguous

    def sparse(self):
        return self._whole().sparse()


class OffloadStore(Store):
    """Pack as another store does, then move the buffers out of memory. Arrays below 1024 entries stay.

    As text: "offload", "offload:mask", "offload:auto:/path/of/a/directory" (told by its separator).

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
    """

    name = "offload"

    def __init__(self, inner=None, directory=None):
        if isinstance(inner, ByOp):
            raise ValueError("offload: cannot choose by op; choose it for ops instead: {'conv2d': 'offload:auto'}")
        self._inner = inner or AutoStore()
        self.lossless = self._inner.lossless
        self._scratch = Scratch(directory)
        self._unsettled = []  # handles whose format waits for a count from the device
        self._leaving = collections.deque()  # (backend, array, event): the copy must end before its memory is reused

    def begin(self, key):
        self._inner.begin(key)

    def pack(self, array, sparse=None, exact_zeros=False):
        handle = self._inner.pack(array, sparse, exact_zeros)
        if array.size < SMALL:
            return handle
        handle = Offloaded(backend.of("offload", array), handle)
        self._unsettled.append(handle)
        self._move()
        return handle

    def flush(self):
        self._inner.flush()
        self._move()
        while self._leaving:
            self._let_go()

    def discard(self):
        self._inner.discard()
        self._unsettled.clear()
        while self._leaving:
            self._let_go()

    def _move(self):
        waiting, self._unsettled = self._unsettled, []
        for handle in waiting:
            if handle.settled:
                handle.move(self._write)
            else:
                self._unsettled.append(handle)

    def _write(self, b, array):
        if b is backend.get("cpu"):
            return self._scratch.write(array)
        host, copied = b.to_pinned(array)
        self._leaving.append((b, array, copied))
        if len(self._leaving) > IN_FLIGHT:
            self._let_go()
        return Pinned(b, host, copied)

    def _let_go(self):
        b, array, copied = self._leaving.popleft()
        b.wait(copied)
        del array  # only now: what the device computes next may take its memory
