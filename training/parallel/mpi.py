"""Ranks that MPI connects, on one machine or several: mpi4py with any MPI library.

Every wait asks again and again, and sleeps in between: MPI's own waiting keeps a core busy, and where there are more
ranks than free cores they wait for each other's share of it (3 ranks on 2 cores: 6 s for a sum of 4 MB, instead of
6 ms). Python also sees signals in between. Arrays of a GPU go through the host: not every MPI can read them.
"""

import contextlib
import importlib.util
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from specframe import backend
from specframe.training.parallel.communicator import PATIENCE

FOLDER = "SPECFRAME_RANKS"  # the environment variable that names it: where ranks leave word for who started them
SPIN, NAP = 200, 5e-5  # asked so often, a wait begins to sleep, so many seconds at a time
LOOK = 5000  # asked so often, about half a second, it looks whether another rank has left word that all end
MISSING = "several processes need mpi4py and an MPI library: pip install 'specframe[mpi]'"


def installed() -> bool:
    return importlib.util.find_spec("mpi4py") is not None


class _Sum:
    """A sum under way in `host`, which goes to `array` where that is another one."""

    def __init__(self, request: Any, host: Any, array: Any) -> None:
        self._request, self._host, self._array = request, host, array

    def done(self) -> bool:
        return bool(self._request.Test())

    def wait(self) -> None:
        _wait(self._request)
        if self._host is not self._array:
            self._array[...] = backend.of("sum over the ranks", self._array).asarray(self._host)


def _wait(request: Any) -> None:
    tries = 0
    while not request.Test():
        tries += 1
        time.sleep(NAP if tries > SPIN else 0)
        if tries % LOOK == 0:
            _end_with_the_others()


def _end_with_the_others() -> None:
    """Where one rank ends, mpiexec ends all; it has been seen to miss that one ended, and then nobody would come."""
    folder = os.environ.get(FOLDER)
    if folder and (not os.path.isdir(folder) or os.listdir(folder)):
        time.sleep(PATIENCE)
        os._exit(1)


class MPI:
    """All processes that mpiexec has started.

    Raises
    ------
    RuntimeError
        mpi4py is not installed, or finds no MPI library.
    """

    def __init__(self) -> None:
        try:
            import mpi4py

            mpi4py.rc.thread_level = "serialized"
            from mpi4py import MPI
        except (ImportError, RuntimeError) as error:
            raise RuntimeError(f"{MISSING} ({error})") from None
        self._comm, self._in_place = MPI.COMM_WORLD, MPI.IN_PLACE
        self.rank, self.size = self._comm.rank, self._comm.size
        self.barrier()
        _forget_shared_memory()
        self.barrier()

    def start_sum(self, array: Any) -> _Sum:
        host = array if isinstance(array, np.ndarray) else backend.to_host(array)
        return _Sum(self._comm.Iallreduce(self._in_place, host), host, array)

    def gather(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        gathered = np.empty((self.size, len(numbers)))
        _wait(self._comm.Iallgather(np.ascontiguousarray(numbers, np.float64), gathered))
        return gathered

    def broadcast(self, array: Any) -> None:
        host = array if isinstance(array, np.ndarray) else backend.to_host(array)
        _wait(self._comm.Ibcast(host, 0))
        if host is not array:
            array[...] = backend.of("broadcast", array).asarray(host)

    def barrier(self) -> None:
        _wait(self._comm.Ibarrier())

    def abort(self, status: int, message: str) -> NoReturn:
        # A process that leaves MPI without a farewell takes the others with it, as MPI_Abort does, which prints more.
        if folder := os.environ.get(FOLDER):
            try:
                with open(Path(folder, "end"), "x") as end:
                    end.write(str(status))
            except FileExistsError:
                time.sleep(PATIENCE)  # another rank has spoken, and this one is about to be killed
            except OSError:
                pass
        for stream, last in ((sys.stdout, ""), (sys.__stderr__, message)):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.write(last)  # type: ignore[union-attr]
                stream.flush()  # type: ignore[union-attr]
        os._exit(status)


def _forget_shared_memory() -> None:
    """Take away the name of the shared memory that all ranks here have mapped by now: so it ends with the last of them,
    also where they are killed."""
    with contextlib.suppress(OSError):
        with open("/proc/self/maps") as maps:
            names = set(re.findall(r"/dev/shm/mpich_sh\S+", maps.read()))
        for name in names:
            with contextlib.suppress(OSError):
                os.unlink(name)
