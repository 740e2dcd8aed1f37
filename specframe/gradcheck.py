"""gradcheck: does a hand-written backward agree with the forward it stands beside?

For a random cotangent g and a random direction v of one input (complex for complex arrays),

    Re<g, f(x + eps v) - f(x - eps v)> / (2 eps)    against    Re<v, gradient of Re<g, f> at x>

Two forwards check all entries of an input at once, so real sizes are affordable. A random cotangent catches what a sum
as the loss would hide: F in place of its adjoint, missing conjugates, missing column weights.
"""

import numpy as np

from specframe.tape import Tape
from specframe.tensor import Tensor


class GradcheckError(AssertionError):
    """A gradient disagrees with finite differences; the message names the input, the direction and both numbers."""


def _normal(rng, shape, dtype):
    array = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        array = array + 1j * rng.standard_normal(shape)
    return np.asarray(array, dtype)


def _inner(a, b):
    return float(np.sum(a.real * b.real) + (np.sum(a.imag * b.imag) if a.dtype.kind == "c" else 0.0))


def gradcheck(fn, *arrays, eps=1e-5, rtol=1e-6, directions=2, seed=0, linear=False, store="auto", recompute=None):
    """Compare the gradients of `fn` with central differences.

    Parameters
    ----------
    fn : callable
        Takes as many Tensors as there are arrays and returns one Tensor.
    *arrays : float64 or complex128 arrays
        The point at which to check. Keep clear of kinks (a threshold, ties of a maximum).
    eps : float
        Step of the differences. With `linear=True` it is 1, and the difference is exact up to rounding.
    rtol : float
        Accepted difference, relative to the larger number (or to 1e-3 of |g| |v|, if that is larger: the two
        inner products may cancel).
    directions : int
        Random directions for each input.
    store, recompute
        Passed to the Tape.

    Returns
    -------
    float
        The largest relative difference found.

    Raises
    ------
    GradcheckError
        Naming the input, the direction and both numbers; also for a missing gradient or a modified input.
    TypeError
        Single-precision arrays: differences would only see rounding.

    >>> from specframe import ops
    >>> gradcheck(ops.tanh, np.linspace(-1.0, 1.0, 5)) < 1e-8
    True
    """
    eps, rng, worst = (1.0 if linear else eps), np.random.default_rng(seed), 0.0
    leaves = [Tensor(array, requires_grad=True) for array in arrays]
    originals = [leaf.numpy().copy() for leaf in leaves]
    for i, leaf in enumerate(leaves):
        if leaf.dtype not in (np.float64, np.complex128):
            raise TypeError(f"gradcheck: input {i} is {leaf.dtype}; use float64 or complex128")

    with Tape(store=store, recompute=recompute) as tape:
        y = fn(*leaves)
    g = _normal(rng, y.shape, y.dtype)
    tape.backward(y, y.backend.asarray(g))
    for i, (leaf, original) in enumerate(zip(leaves, originals, strict=True)):
        if not np.array_equal(leaf.numpy(), original):
            raise GradcheckError(f"gradcheck: input {i} was modified by the forward or the backward")
        if leaf.grad is None:
            raise GradcheckError(f"gradcheck: input {i} got no gradient")

    for i, original in enumerate(originals):
        gradient = leaves[i].backend.to_host(leaves[i].grad)
        for d in range(directions):
            v = _normal(rng, original.shape, original.dtype)
            ahead, behind = (_forward(fn, leaves, i, original + step * v) for step in (eps, -eps))
            measured = _inner(g, ahead - behind) / (2 * eps)
            derived = _inner(v, gradient)
            floor = 1e-3 * np.sqrt(_inner(gradient, gradient) * _inner(v, v))
            error = abs(measured - derived) / max(abs(measured), abs(derived), floor, 1e-12)
            if not error <= rtol:
                raise GradcheckError(
                    f"gradcheck: input {i}, direction {d}: finite differences give {measured:.10g}, "
                    f"the backward {derived:.10g} (relative difference {error:.2g}, accepted {rtol:.2g})"
                )
            worst = max(worst, error)
    return worst


def _forward(fn, leaves, i, moved):
    """fn as a NumPy array, with input i replaced. Random draws inside fn must not depend on the call."""
    arguments = [Tensor(leaf.data) for leaf in leaves]
    arguments[i] = Tensor(leaves[i].backend.asarray(moved))
    return fn(*arguments).numpy()
