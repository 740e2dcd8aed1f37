"""Scratch: a temporary file for arrays that leave memory, used again from its end as they are let go.

The file has no name, and belongs to the process that opened it. After a fork the child shares the file and its position
with the parent: there an extent of the parent's is refused in a sentence, and letting one go leaves the file alone.
Threads may share a file.
"""

import functools
import os
import tempfile
import threading
import weakref
from typing import Any

import numpy as np


class Extent:
    """An array that lies in a file; its space is free when this object dies."""

    def __init__(self, scratch: "Scratch", start: int, array: Any) -> None:
        self._scratch, self._start = scratch, start
        self._shape, self._dtype = array.shape, array.dtype

    def read(self) -> Any:
        array = np.empty(self._shape, self._dtype)
        self._scratch.read_into(array, self._start)
        return array


class Scratch:
    """A temporary file without a name, made at the first write and closed when nobody needs it any more.

    Attributes
    ----------
    directory : str or path, where the file is
    process : int, the number of the process whose file it is
    lock : held while it is used
    """

    def __init__(self, directory: "str | os.PathLike[str] | None" = None) -> None:
        self.directory = directory or tempfile.gettempdir()
        self.process = os.getpid()
        self._ends: dict[int, int] = {}  # start -> end of each extent that lives
        self.lock = threading.RLock()  # the same thread may come again: an extent may be freed at any time

    @functools.cached_property
    def file(self) -> Any:
        file = tempfile.TemporaryFile(buffering=0, dir=self.directory)
        weakref.finalize(self, file.close)
        return file

    @property
    def end(self) -> int:
        return max(self._ends.values(), default=0)

    def write(self, array: Any) -> Extent:
        """An Extent of a contiguous array of at least one entry, behind all others."""
        with self.lock:
            start, rest = self.end, flat_bytes(array)
            extent = Extent(self, start, array)
            self._ends[start] = start + array.nbytes  # before it is written, lest a thread that frees cuts it off
            free = weakref.finalize(extent, self._free, start)
            free.atexit = False  # the file goes with the process
            try:
                self.file.seek(start)
                while len(rest):  # one call writes 2 GiB at most
                    rest = rest[self.file.write(rest) :]
            except OSError as error:
                free()
                where = f"a file in {self.directory}: {error.strerror}"
                raise OSError(error.errno, f"offload: cannot write {array.nbytes:,} bytes to {where}") from error
            return extent

    def read_into(self, array: Any, start: int) -> None:
        if os.getpid() != self.process:
            raise RuntimeError(
                f"offload: this array was moved to a file by process {self.process}, and this is {os.getpid()}, forked "
                "from it; run forward and backward in one process"
            )
        with self.lock:
            self.file.seek(start)
            rest = flat_bytes(array)
            while len(rest):
                count = self.file.readinto(rest)
                if not count:
                    raise OSError(
                        f"offload: the temporary file in {self.directory} is shorter than what was written to it"
                    )
                rest = rest[count:]

    def _free(self, start: int) -> None:
        if os.getpid() == self.process:
            with self.lock:
                del self._ends[start]
                if "file" in vars(self):
                    self.file.truncate(self.end)


def flat_bytes(array: Any) -> Any:
    """The memory of a contiguous array."""
    return array.reshape(-1).view(np.uint8)
