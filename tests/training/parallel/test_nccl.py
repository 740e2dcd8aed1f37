"""Arrays of a GPU go by NCCL, here a stand-in with the methods of CuPy's, all others by MPI."""

import os

import pytest

from specframe.training.parallel import nccl
from tests.kit.ranks import needs_mpi, run

PROGRAM = """
import types
import numpy as np
from specframe import backend
from specframe.training.parallel import mpi
from specframe.training.parallel.buckets import Buckets
from specframe.training.parallel.nccl import NCCL, between_gpus
from specframe.training.parallel.share import Share
from tests.kit.strict import STRICT

host = mpi.MPI()


class Collective:  # as cupyx.distributed.NCCLBackend has them
    asked = []

    def all_reduce(self, in_array, out_array, op="sum", stream=None):
        self.asked.append("sum")
        total = host.gather(STRICT.to_host(in_array).astype(float).ravel()).sum(0)
        out_array[...] = STRICT.asarray(total.reshape(in_array.shape).astype(in_array.dtype))

    def broadcast(self, in_out_array, root=0, stream=None):
        self.asked.append("broadcast")
        first = host.gather(STRICT.to_host(in_out_array).astype(float).ravel())[root]
        in_out_array[...] = STRICT.asarray(first.reshape(in_out_array.shape).astype(in_out_array.dtype))


def gpu(size, rank):
    assert (size, rank) == (host.size, host.rank)
    return Collective()


device = types.SimpleNamespace(name="cuda", collective=gpu)
assert between_gpus(host, backend.get("cpu")) is host
import os
os.environ["CUDA_VISIBLE_DEVICES"] = "0"
assert between_gpus(host, device) is host  # two ranks on one GPU: NCCL would refuse
os.environ["CUDA_VISIBLE_DEVICES"] = str(host.rank)
c = between_gpus(host, device)
assert isinstance(c, NCCL) and between_gpus(c, device) is c and (c.rank, c.size) == (host.rank, host.size)

sums, buckets = [], Buckets(c)
for b in (STRICT, backend.get("cpu")):
    buckets.add(b.asarray(np.full((2, 2), c.rank + 1, np.float32)), sums.append)
    array = b.asarray(np.full(3, c.rank + 5.0))
    c.broadcast(array)
    assert (b.to_host(array) == 5).all()
    buckets.finish()
assert all((backend.to_host(total) == 3).all() for total in sums) and Collective.asked == ["broadcast", "sum"]
assert (c.gather(np.array([1.0 * c.rank])) == [[0], [1]]).all()
c.barrier()
"""


@needs_mpi
def test_arrays_of_a_gpu_go_by_nccl_and_all_others_by_mpi():
    run(2, PROGRAM)


@pytest.mark.parametrize(
    ("gpus", "seen", "rank", "mine"),
    [
        (2, None, 1, "1"),
        (2, None, 3, "1"),
        (4, "2,3", 1, "3"),
        (1, None, 1, "0"),
        (None, "5", 0, "5"),
        (0, None, 0, None),
    ],
)
def test_each_rank_of_a_machine_sees_its_own_gpu(monkeypatch, gpus, seen, rank, mine):
    def listing(path):
        if gpus is None:
            raise FileNotFoundError(path)
        return [f"0000:{number:02}:00.0" for number in range(gpus)]

    monkeypatch.setattr(os, "listdir", listing)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if seen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
    nccl.choose_gpu(rank)
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == mine
