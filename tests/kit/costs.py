"""What a step asks of a device: launches of kernels, copies among them, uploads, and waits of the host.

Counted as CuPy 14.2 does it, from reading its source; a transform or a product is one launch here, whatever the
library makes of it. Views cost nothing, `a[...] += b` no second copy of the view onto itself.

    with count() as costs:
        ...
    assert costs.waits <= 2
"""

import contextlib
import dataclasses
import math

import numpy as np

from tests.kit import pool


@dataclasses.dataclass
class Costs:
    launches: int = 0
    copies: int = 0
    uploads: int = 0
    waits: int = 0


total = Costs()  # since the process began

FREE = {"empty", "empty_like", "result_type", "shape", "ndim", "can_cast", "broadcast_shapes", "iscomplexobj"}
COPIES = {"copy", "astype", "ascontiguousarray", "reshape", "ravel", "flatten", "array", "asarray"}
LAUNCHES = {  # of those that are composed of several; all others are one
    "pad": 6,  # the middle, and both sides of two axes, on zeros
    "roll": 3, "tile": 2, "repeat": 2, "var": 3, "std": 4, "cumsum": 2, "nonzero": 4, "flatnonzero": 4, "unique": 5,
    "tensordot": 3, "take_along_axis": 3, "partition": 3, "argpartition": 4, "sort": 2, "argsort": 2, "searchsorted": 2,
    "packbits": 2, "unpackbits": 1, "array_equal": 2, "linspace": 3, "einsum": 3,
}  # fmt: skip


@contextlib.contextmanager
def count():
    """Costs of the block, final when it has ended."""
    before, costs = dataclasses.astuple(total), Costs()
    try:
        yield costs
    finally:
        for field, was in zip(dataclasses.fields(Costs), before, strict=True):
            setattr(costs, field.name, getattr(total, field.name) - was)


def call(name, args, kwargs, result):
    """Note a call of NumPy's function `name` with these arrays, which gave `result`."""
    if name in FREE or not isinstance(result, (np.ndarray, np.generic, list, tuple)):
        return
    results = [r for r in (result if isinstance(result, (list, tuple)) else [result]) if isinstance(r, np.ndarray)]
    arrays = [a for a in args if isinstance(a, np.ndarray)]
    out = kwargs.get("out")
    if out is None and results and all(_is_view(r, arrays) for r in results):
        return
    if name == "matmul":
        product(*args[:2], 0 if out is not None else result.nbytes)
    elif name in ("rfft2", "irfft2", "fft2", "ifft2", "rfftn", "irfftn"):
        transform(name, args[0], kwargs)
    else:
        total.launches += LAUNCHES.get(name, 1)
        total.copies += name in COPIES


def _is_view(result, arrays):
    return any(result is a or (result.size and np.may_share_memory(result, a)) for a in arrays)


def assignment(target, value):
    """Note `target[...] = value` of a view."""
    same = isinstance(value, np.ndarray) and value.ctypes.data == target.ctypes.data and value.strides == target.strides
    if not same and target.size:
        total.launches += 1
        total.copies += isinstance(value, np.ndarray)


def gathered(index):
    """Note an index by arrays: a single one is a take, several are joined first."""
    arrays = sum(isinstance(part, (np.ndarray, list)) for part in (index if isinstance(index, tuple) else (index,)))
    total.launches += 1 if arrays == 1 else 2 + arrays if arrays else 0


def product(a, b, result):
    """cuBLAS reads a matrix by rows or by columns; stacks of them must be contiguous, and of one shape."""
    stacked = max(a.ndim, b.ndim) > 2
    copied = [x for x in (a, b) if not (x.flags.c_contiguous or (not stacked and x.flags.f_contiguous))]
    total.launches += 1 + len(copied)
    total.copies += len(copied)
    pool.pass_through(*(x.nbytes for x in copied), result)
    if stacked and a.shape[:-2] != b.shape[:-2]:
        total.uploads += 1  # pointers to the matrices that are used again


def copied(x):
    """Note a copy of x that goes when the call returns."""
    total.launches += 1
    total.copies += 1
    pool.pass_through(x.nbytes, x.nbytes)  # beside the result, which is as large


def transform(name, x, kwargs):
    """cuFFT, a copy of what has to be padded, and the factor."""
    total.launches += 1
    s, axes = kwargs.get("s"), kwargs.get("axes", (-2, -1))
    if s is not None and name in ("rfft2", "fft2", "rfftn") and tuple(s) != tuple(x.shape[axis] for axis in axes):
        total.launches += 2
        total.copies += 1
        padded = math.prod(x.shape) // math.prod(x.shape[axis] for axis in axes) * math.prod(s) * x.itemsize
        pool.pass_through(padded, padded // s[-1] * (s[-1] // 2 + 1) * 2)  # beside the half spectrum
    unscaled = "forward" if name.startswith("i") else "backward"
    total.launches += (kwargs.get("norm") or "backward") != unscaled and math.prod(x.shape) > 0
