"""What the tests of the ops share: random arrays, a forward with its backward, and a beta that no entry sits on."""

import numpy as np

from specframe import Tape, Tensor
from specframe.spectrum import Spectrum


def normal(rng, shape, dtype=np.float64):
    """Standard normal entries, in both parts of a complex array."""
    array = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        array = array + 1j * rng.standard_normal(shape)
    return array.astype(dtype)


def run(be, fn, *arrays, gy=None, store="auto", recompute=None):
    """The value of fn and the gradients of Re sum(conj(gy) fn), as NumPy arrays; gy None is all ones."""
    leaves = [Tensor(be.asarray(array), requires_grad=True) for array in arrays]
    with Tape(store, recompute) as tape:
        y = fn(*leaves)
    gy = np.ones(y.shape, y.dtype) if gy is None else gy
    tape.backward(y, be.asarray(gy))
    return y.numpy(), [None if leaf.grad is None else be.to_host(leaf.grad) for leaf in leaves]


def value(be, fn, *arrays):
    """fn without a tape, as a NumPy array."""
    return fn(*(Tensor(be.asarray(array)) for array in arrays)).numpy()


def spectrum_tensor(be, Z, grid, size=None, norm="ortho", active=None):
    """A Tensor that carries its grid, as if rfft2 had made it."""
    tensor = Tensor(be.asarray(Z))
    tensor.spectrum = Spectrum(grid, size or grid, norm, active)
    return tensor


def clear_beta(Y, wanted, reach=0.2):
    """The middle of the widest gap between absolute values near `wanted`: finite differences cross no threshold."""
    near = np.unique(np.abs(Y))
    near = near[abs(near - wanted) <= reach * wanted]
    at = np.diff(near).argmax()
    assert near[at + 1] - near[at] > 2e-3, "no gap is wide enough for finite differences: choose another seed"
    return float(near[at] + near[at + 1]) / 2


def on_grid(fn, grid, norm="ortho", size=None):
    """fn with its first argument carrying this grid, as if rfft2 had made it."""

    def call(Y, *rest):
        if isinstance(Y, Tensor):
            Y.spectrum = Spectrum(grid, size or grid, norm)
        return fn(Y, *rest)

    return call


def hermitian(Z, W):
    """Z with each edge column replaced by (z[p] + conj(z[-p])) / 2: the part that a real map has."""
    Z = Z.copy()
    for q in {0, W // 2} if W % 2 == 0 else {0}:
        Z[:, q] = (Z[:, q] + np.roll(Z[::-1, q], 1, axis=0).conj()) / 2
    return Z
