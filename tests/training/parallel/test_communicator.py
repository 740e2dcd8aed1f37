"""What ranks ask of each other gives the same under every communicator, for one rank and for several."""

import numpy as np
import pytest

from specframe.training.parallel.communicator import Single
from tests.kit.ranks import needs_mpi, run

PROGRAM = """
import numpy as np
from specframe import backend
from specframe.training.parallel import mpi
from specframe.training.parallel.buckets import Buckets
from specframe.training.parallel.share import Share
from tests.kit.strict import STRICT

c = mpi.MPI()
rank, size = c.rank, c.size
of = [np.random.default_rng(r).standard_normal(1000) for r in range(size)]


def same(array):  # bit for bit, on all ranks
    mine = np.frombuffer(np.ascontiguousarray(array).tobytes(), np.uint8).astype(float)
    return (c.gather(mine) == mine).all()


# ---- sums: in place, of any dtype, several under way at once, through the host for another device
for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-14), (np.complex64, 1e-5)):
    mine, want = of[rank].astype(dtype), np.sum([a.astype(dtype) for a in of], axis=0, dtype=np.complex128)
    other = np.arange(3, dtype=np.int64) * (rank + 1)
    first, second = c.start_sum(mine), c.start_sum(other)
    second.wait()
    first.wait()
    assert first.done()
    np.testing.assert_allclose(mine, want, rtol=tolerance, atol=tolerance)
    assert same(mine) and (other == np.arange(3) * size * (size + 1) // 2).all()
there = STRICT.asarray(np.full(2, rank + 1.0))
c.start_sum(there).wait()
assert (STRICT.to_host(there) == size * (size + 1) / 2).all()

# ---- gather, broadcast, barrier
assert (c.gather(np.array([rank, 10.0 * rank])) == [[r, 10 * r] for r in range(size)]).all()
for b in (backend.get("cpu"), STRICT):
    array = b.asarray(np.full((2, 3), rank + 7, np.float32))
    c.broadcast(array)
    assert (b.to_host(array) == 7).all()
c.barrier()

# ---- buckets: each array gets its own sum, whatever the bucket
for nbytes in (1, 1000, 10**9):
    buckets, sums = Buckets(c, nbytes), {}
    shapes = [(3, 4), (), (5,), (2, 0), (100,)]
    arrays = [np.full(shape, 10.0 * i + rank, np.float32 if i % 2 else np.float64) for i, shape in enumerate(shapes)]
    for i, array in enumerate(arrays):
        buckets.add(array, lambda g, i=i: sums.update({i: g}))
    buckets.finish()
    for i, array in enumerate(arrays):
        assert sums[i].shape == array.shape and sums[i].dtype == array.dtype
        assert (sums[i] == 10 * i * size + size * (size - 1) / 2).all(), (i, sums[i])
        sums[i][...] = -1  # its own to change
    assert (arrays[0] == rank).all()

# ---- a rank's share of a batch: numbers and arrays of all kinds, combined in the order of the ranks
sizes = [5, 0, 2][:size]
share = Share(c, sizes)
assert (share.start, share.stop) == [(0, 5), (5, 5), (5, 7)][rank] and share.whole == sum(sizes)
assert abs(share.weight - sizes[rank] / sum(sizes)) < 1e-15
part = 3 + rank, 0.5 * rank, np.full((2, 2), rank + 1j, np.complex64), STRICT.asarray(np.float32([rank, 1]))
n, half, z, there = share.total(part, lambda parts: tuple(sum(column[1:], column[0]) for column in zip(*parts)))
assert n == sum(3 + r for r in range(size)) and type(n) is int and half == sum(0.5 * r for r in range(size))
assert z.dtype == np.complex64 and (z == sum(r + 1j for r in range(size))).all()
assert isinstance(there, STRICT.array_type) and there.dtype == np.float32
assert (STRICT.to_host(there) == [sum(range(size)), size]).all()
x = of[rank].astype(np.float32)
total = share.total(x, lambda parts: np.add.reduce(parts))
assert total.dtype == np.float32 and same(total)
assert share.total(x, lambda parts: parts[-1])[0] == np.float32(of[-1][0])
print(f"rank {rank} done\\n", end="", flush=True)  # one write: lines of ranks do not mix
"""


@needs_mpi
@pytest.mark.parametrize("ranks", [1, 2, 3])
def test_sums_gathers_broadcasts_and_buckets_of_ranks(ranks):
    out = run(ranks, PROGRAM)
    assert sorted(out.split("\n")[:-1]) == [f"rank {rank} done" for rank in range(ranks)]


def test_one_rank_alone_needs_nobody(capsys):
    alone, array = Single(), np.ones(3)
    pending = alone.start_sum(array)
    pending.wait()
    alone.broadcast(array)
    alone.barrier()
    assert pending.done() and (array == 1).all() and (alone.rank, alone.size) == (0, 1)
    assert alone.gather(np.array([1.0, 2.0])).tolist() == [[1, 2]]
    with pytest.raises(SystemExit) as end:
        alone.abort(3, "why\n")
    assert end.value.code == 3 and capsys.readouterr().err == "why\n"
