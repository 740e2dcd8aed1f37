"""gradcheck: does a hand-written backward agree with the forward it stands beside?

For a random cotangent g and a random direction v of each input (complex for complex arrays),

    Re<g, f(x + eps v) - f(x - eps v)> / (2 eps)    against    Re<v, gradient of Re<g, f> at x>

Two forwards check all entries of an input at once, so real sizes are affordable. A random cotangent catches what a sum
as the loss would hide: F in place of its adjoint, missing conjugates, missing column weights. It must not be drawn as
the inputs were: under the cotangent x, x / |x| has no gradient.

Where an entry crosses a kink between x - eps v and x + eps v (a threshold, the maximum of a pool), the difference is
not the derivative though the rule is right. So a disagreement is looked at again with smaller steps. If it stays, the
two one-sided differences tell a kink from a wrong rule, since on a smooth function they agree, and another point is
tried.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from specframe.tape import Tape
from specframe.tensor import Tensor

SMALLER = (1.0, 0.1, 0.01, 0.001)  # steps, in units of eps, that are tried until one agrees
POINTS = 3  # where a kink is in the way, so many other points are tried
NOISE = 30 * np.finfo(np.float64).eps  # of |g| |f(x)|: rounding of the values whose difference is taken
STREAM = (0x67,)  # of the random numbers, apart from the one that the caller may have drawn the arrays from
FLOOR = 1e-3  # of |g| |v|: two inner products may cancel, and then only rounding is left of them


class GradcheckError(AssertionError):
    """A gradient disagrees with finite differences; the message names the input, the direction and both numbers."""


class _Kink(Exception):
    """An entry sits on a kink at this point, as near as the differences can see."""


def gradcheck(
    fn: Callable[..., Tensor], *arrays: Any, eps: float = 1e-5, rtol: float = 1e-6, directions: int = 2, seed: int = 0,
    linear: bool = False, store: Any = "auto", recompute: str | None = None,
) -> float:  # fmt: skip
    """Compare the gradients of `fn` with central differences.

    Parameters
    ----------
    fn : callable, or Module
        Takes as many Tensors as there are arrays and returns one Tensor. The parameters of a Module are checked besides
        its inputs, and its buffers put back after each forward, so that dropout draws the same each time.
    *arrays : float64 or complex128 arrays
        The point at which to check. Arrays of integers are handed on without being checked.
    eps : float
        Step of the differences. With `linear=True` it is 1, and the difference is exact up to rounding.
    rtol : float
        Accepted difference, relative to the larger number (or to 1e-3 of |g| |v|, if that is larger: the two
        inner products may cancel).
    directions : int
        So many cotangents, each with a random direction for each input.
    seed : int
        Of the cotangents and directions: other ones than np.random.default_rng(seed) draws.
    store, recompute
        Passed to the Tape.

    Returns
    -------
    float
        The largest relative difference found; what is nothing but rounding of the values counts as none.

    Raises
    ------
    GradcheckError
        Naming the input, the direction and both numbers; also for a missing gradient or a modified input, and where
        every point that was tried lies on a kink.
    ValueError
        No direction at all.
    TypeError
        Single-precision arrays or parameters: differences would only see rounding.

    >>> from specframe import ops
    >>> gradcheck(ops.tanh, np.linspace(-1.0, 1.0, 5)) < 1e-8
    True
    """
    if directions < 1:
        raise ValueError(f"gradcheck: directions must be 1 or more, got {directions}")
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=STREAM))
    steps = [1.0] if linear else [eps * smaller for smaller in SMALLER]
    inputs = [Tensor(array, requires_grad=array.dtype.kind not in "iub") for array in arrays]
    parameters = list(fn.named_parameters()) if hasattr(fn, "named_parameters") else []
    checked = [(f"input {i}", leaf) for i, leaf in enumerate(inputs) if leaf.requires_grad]
    checked += [(f"parameter {name}", leaf) for name, leaf in parameters if leaf.requires_grad]
    for name, leaf in checked:
        if leaf.dtype not in (np.float64, np.complex128):
            raise TypeError(f"gradcheck: {name} is {leaf.dtype}; use float64 or complex128")
    before = [(leaf, leaf.data, leaf.grad) for _, leaf in checked]
    try:
        for _ in range(POINTS):
            try:
                f = _Function(fn, inputs)
                return max(_check(f, checked, rng, steps, rtol, d, store, recompute) for d in range(directions))
            except _Kink as kink:
                message = str(kink)
                for _, leaf in checked:
                    nearby = leaf.numpy() + 1e-2 * _normal(rng, leaf.shape, leaf.dtype)
                    leaf.data = leaf.backend.asarray(nearby)
    finally:
        for leaf, data, grad in before:
            leaf.data, leaf.grad = data, grad
    raise GradcheckError(f"gradcheck: {message}; {POINTS} points were tried, choose another one or a smaller eps")


class _Function:
    """fn of inputs that stay the same Tensors; a Module's buffers are put back after each call."""

    def __init__(self, fn: Any, inputs: Sequence[Tensor]) -> None:
        self.fn, self.inputs = fn, inputs
        self.buffers = list(fn.buffer_places()) if hasattr(fn, "buffer_places") else []

    def __call__(self) -> Tensor:
        kept = [(module, name, getattr(module, name).copy()) for _, module, name in self.buffers]
        y: Tensor = self.fn(*self.inputs)
        for module, name, array in kept:
            setattr(module, name, array)
        return y

    def moved(self, leaf: Tensor, array: Any) -> Any:
        """The value, as a NumPy array, with another array in a leaf."""
        held, leaf.data = leaf.data, leaf.backend.asarray(array)
        try:
            return self().numpy()
        finally:
            leaf.data = held


def _check(
    f: _Function, checked: list[tuple[str, Tensor]], rng: Any, steps: list[float], rtol: float, d: int, store: Any,
    recompute: str | None,
) -> float:  # fmt: skip
    """The largest disagreement at this point under one cotangent, the one of number d."""
    originals = [leaf.numpy().copy() for _, leaf in checked]
    for _, leaf in checked:
        leaf.grad = None
    with Tape(store=store, recompute=recompute) as tape:
        y = f()
    g = _normal(rng, y.shape, y.dtype)
    tape.backward(y, y.backend.asarray(g))
    for (name, leaf), original in zip(checked, originals, strict=True):
        if not np.array_equal(leaf.numpy(), original, equal_nan=True):
            raise GradcheckError(f"gradcheck: {name} was modified by the forward or the backward")
        if leaf.grad is None:
            raise GradcheckError(f"gradcheck: {name} got no gradient")
    worst = 0.0
    for (name, leaf), original in zip(checked, originals, strict=True):
        gradient = leaf.backend.to_host(leaf.grad)
        v = _normal(rng, original.shape, original.dtype)
        derived, size = _inner(v, gradient), np.sqrt(_inner(gradient, gradient) * _inner(v, v))
        here, kinked = None, len(steps) > 1
        for step in steps:
            ahead, behind = (f.moved(leaf, original + way * step * v) for way in (1, -1))
            measured = _inner(g, ahead - behind) / (2 * step)
            error = disagreement(measured, derived, size)
            noise = NOISE * np.sqrt(_inner(g, g) * _inner(ahead, ahead)) / steps[0]
            if error > rtol and abs(measured - derived) <= noise:
                error = 0.0
            if error <= rtol:
                break
            here = f.moved(leaf, original) if here is None else here
            jump = abs(_inner(g, ahead - here) - _inner(g, here - behind)) / step
            kinked = kinked and jump > abs(measured - derived)
        else:
            where = f"{name}, direction {d}: finite differences give {measured:.10g}, the backward {derived:.10g}"
            if kinked:
                raise _Kink(f"{where}, and to the two sides they differ: the point is on a kink")
            raise GradcheckError(f"gradcheck: {where} (relative difference {error:.2g}, accepted {rtol:.2g})")
        worst = max(worst, error)
    return worst


def disagreement(measured: float, derived: float, size: float) -> float:
    """Relative difference of two inner products of vectors whose norms multiply to `size`."""
    return abs(measured - derived) / max(abs(measured), abs(derived), FLOOR * size, 1e-12)


def _normal(rng: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    array = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        array = array + 1j * rng.standard_normal(shape)
    return np.asarray(array, dtype)


def _inner(a: Any, b: Any) -> float:
    return float(np.sum(a.real * b.real) + (np.sum(a.imag * b.imag) if a.dtype.kind == "c" else 0.0))
