"""What the tests of the fast bodies share: the same call on both bodies of its op, and the two compared."""

import numpy as np

from specframe import backend, reference
from tests.ops.common import run

CPU = backend.get("cpu")
TOLERANCE = {"f": 1e-5, "d": 1e-11}  # of the largest entry, in single and in double precision


def assert_close(one, other):
    """Equal shape and dtype, NaN in the same places, and entries within the tolerance of the precision."""
    assert (one.dtype, one.shape) == (other.dtype, other.shape)
    largest = abs(other[np.isfinite(other)]).max(initial=1e-30)
    np.testing.assert_allclose(one, other, rtol=0, atol=TOLERANCE[one.real.dtype.char] * largest)


def both(fn, *arrays, gy=None, store="auto", recompute=None):
    """(value, gradients) by the fast bodies, and by those of specframe/ops, after a check that the two agree."""
    fast = run(CPU, fn, *arrays, gy=gy, store=store, recompute=recompute)
    with reference():
        plain = run(CPU, fn, *arrays, gy=gy, store=store, recompute=recompute)
    for one, other in zip([fast[0], *fast[1]], [plain[0], *plain[1]], strict=True):
        assert_close(one, other)
    return fast, plain
