"""Gradients that know no rule: central differences, one entry after the other, and gradcheck on top."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from specframe import ops
from specframe.exercises.compare import Wrong, same
from specframe.gradcheck import GradcheckError, gradcheck
from specframe.op import Op
from specframe.tape import Tape, apply
from specframe.tensor import Tensor

EPS = 1e-5


def normal(rng: np.random.Generator, *shape: int, complex: bool = False) -> Any:
    """Normal random numbers, float64 or complex128."""
    array = rng.standard_normal(shape)
    return array + 1j * rng.standard_normal(shape) if complex else array


def slopes(f: Callable[..., Any], arrays: list[Any], which: int, g: Any) -> Any:
    """dRe<g, f> / d(arrays[which]) by central differences of each entry, and of each part where it is complex."""
    x = arrays[which]
    gradient = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        for unit in (1.0, 1j) if x.dtype.kind == "c" else (1.0,):
            move = np.zeros_like(x)
            move[place] = unit * EPS
            ahead, behind = (f(*arrays[:which], x + way * move, *arrays[which + 1 :]) for way in (1, -1))
            gradient[place] += unit * np.vdot(g, ahead - behind).real / (2 * EPS)
    return gradient


def check_op(
    op: type[Op], inputs: Mapping[str, Any], forward: Callable[..., Any], seed: int = 99, **options: Any
) -> None:
    """Raise Wrong unless an op's result is `forward` of the arrays, and its gradients are those of `forward`.

    `forward(*arrays)` is our own; the gradients are called g + the name of the input.
    """
    arrays = list(inputs.values())
    leaves = [Tensor(array.copy(), requires_grad=True) for array in arrays]
    with Tape() as tape:
        y = apply(op, *leaves, **options)
    want = forward(*arrays)
    same("the result of forward", y.data, want)
    g = np.asarray(normal(np.random.default_rng(seed), *want.shape, complex=want.dtype.kind == "c"))
    tape.backward(y, g)
    for name, leaf in zip(inputs, leaves, strict=True):
        if not np.array_equal(leaf.data, inputs[name]):
            raise Wrong(f"{name} was changed by the forward or the backward")
    for i, (name, leaf) in enumerate(zip(inputs, leaves, strict=True)):
        same(f"g{name}", leaf.grad, slopes(forward, arrays, i, g), 1e-6)


def check_gradcheck(op: type[Op], *arrays: Any, **options: Any) -> float:
    """The worst relative difference that gradcheck finds; Wrong where it refuses the op."""
    try:
        return gradcheck(lambda *tensors: apply(op, *tensors, **options), *arrays)
    except GradcheckError as error:
        raise Wrong(str(error)) from None


def saved_bytes(op: type[Op], array: Any, **options: Any) -> int:
    """What an op keeps, of an input that nobody else holds: a caller's array would cost nothing."""
    leaf, identity = Tensor(array, requires_grad=True), Tensor(np.eye(array.shape[-1], dtype=array.dtype))
    with Tape() as tape:
        apply(op, ops.matmul(leaf, identity), **options)
    return tape.ledger.by("op").get(op.name, 0)
