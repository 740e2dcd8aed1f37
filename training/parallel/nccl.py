"""Ranks with a GPU each: arrays there go from GPU to GPU, by NCCL; what the host holds, by MPI.

What is asked of NCCL runs in the order of the GPU's stream, so nobody waits for it on the host. CuPy's communicator is
made by the backend; whatever has `all_reduce` and `broadcast` as that one has will do.
"""

import os
import socket
import zlib
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from specframe.training.parallel.communicator import Communicator, Pending, Ready


class NCCL:
    """A communicator for arrays of a GPU, beside another one for all the rest.

    Parameters
    ----------
    host : Communicator
    collective : cupyx.distributed.NCCLBackend, or alike
    """

    def __init__(self, host: Communicator, collective: Any) -> None:
        self._host, self._collective = host, collective
        self.rank, self.size = host.rank, host.size

    def start_sum(self, array: Any) -> Pending:
        if isinstance(array, np.ndarray):
            return self._host.start_sum(array)
        self._collective.all_reduce(array, array)
        return Ready()

    def gather(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return self._host.gather(numbers)

    def broadcast(self, array: Any) -> None:
        if isinstance(array, np.ndarray):
            self._host.broadcast(array)
        else:
            self._collective.broadcast(array, 0)

    def barrier(self) -> None:
        self._host.barrier()

    def abort(self, status: int, message: str) -> NoReturn:
        self._host.abort(status, message)


def between_gpus(communicator: Communicator, device: Any) -> Communicator:
    """`communicator` itself, or one that knows NCCL beside it, where each rank has a GPU of its own.

    Parameters
    ----------
    communicator : Communicator of several ranks
    device : Backend, of the arrays to come
    """
    gpu = f"{socket.gethostname()} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}" if device.name == "cuda" else ""
    found = communicator.gather(np.array([float(zlib.crc32(gpu.encode())) if gpu else -1.0]))[:, 0]
    if isinstance(communicator, NCCL) or -1.0 in found or len(set(found)) < len(found):
        return communicator
    return NCCL(communicator, device.collective(communicator.size, communicator.rank))


def gpus() -> list[str]:
    """The names of the GPUs that this process may see, as CUDA_VISIBLE_DEVICES has them. Asks no driver."""
    try:
        there = [str(number) for number in range(len(os.listdir("/proc/driver/nvidia/gpus")))]
    except OSError:
        return []
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return seen.split(",") if seen else there


def choose_gpu(local_rank: int) -> None:
    """Let this process see one GPU of the machine's, by its rank there. Before CuPy is imported."""
    if mine := gpus():
        os.environ["CUDA_VISIBLE_DEVICES"] = mine[local_rank % len(mine)]
