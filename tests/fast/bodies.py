"""The body of an op that runs on a device beside the plain one on NumPy: values and gradients agree."""

import numpy as np

from specframe import Tape, Tensor, backend, reference
from tests.kit.strict import StrictArray

CPU = backend.get("cpu")
TOLERANCE = {np.float32: 1e-5, np.float64: 1e-11}  # relative to the largest entry
COMPLEX = {np.float32: np.complex64, np.float64: np.complex128}


def as_it_is(array):
    return array


def columns_first(array):
    """The same values in Fortran's order."""
    return np.asfortranarray(array)


def every_other(array):
    """The same values as every other entry of a larger array, along the last axis."""
    return np.repeat(array, 2, axis=-1)[..., ::2]


LAYOUTS = [as_it_is, columns_first, every_other]


def assert_bodies_agree(fn, *arrays, needs=None, layout=as_it_is, store="auto", put=as_it_is):
    """fn by the plain bodies and by those of a device, in both precisions; nothing that others hold is written to.

    `needs`: which arrays want a gradient (all); `put` lays an array on the device (the CPU), its layout kept.
    """
    needs = [True] * len(arrays) if needs is None else [bool(needed) for needed in needs]
    for real, tolerance in TOLERANCE.items():
        given = [layout(a.astype(COMPLEX[real] if a.dtype.kind == "c" else real)) for a in arrays]
        with reference():
            expected = _run(fn, given, needs, layout, store, as_it_is)
        for one, other in zip(_run(fn, given, needs, layout, store, put), expected, strict=True):
            assert (one is None) == (other is None)
            if one is not None:
                assert (one.shape, one.dtype) == (other.shape, other.dtype)
                largest = abs(other[np.isfinite(other)]).max(initial=1e-30)
                np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * largest)


def _run(fn, arrays, needs, layout, store, put):
    leaves = [Tensor(put(array), requires_grad=needed) for array, needed in zip(arrays, needs, strict=True)]
    with Tape(store) as tape:
        y = fn(*leaves)
    gy = np.random.default_rng(1).standard_normal(y.shape)
    if y.dtype.kind == "c":
        gy = gy + 1j * np.random.default_rng(2).standard_normal(y.shape)
    gy = put(layout(gy.astype(y.dtype)))
    held = [gy, y.data, *(leaf.data for leaf in leaves)]
    before = [backend.to_host(array).copy() for array in held]
    tape.backward(y, gy)
    for array, was in zip(held, before, strict=True):
        np.testing.assert_array_equal(backend.to_host(array), was)
    return [None if array is None else backend.to_host(array) for array in (y.data, *(leaf.grad for leaf in leaves))]


def on_strict(array):
    """On the stand-in for CuPy, in the layout that the array has: CUDA's bodies run there."""
    return StrictArray(array)


class Given:
    """A handle whose array nobody else has: a backward may build its result there."""

    def __init__(self, array):
        self.array, self.shape = array, array.shape

    def dense(self):
        return self.array

    def writable(self):
        return self.array, True
