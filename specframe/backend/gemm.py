"""Products with an adjoint factor through cuBLAS's own flags: no factor is copied.

cuBLAS reads matrices by columns: a (rows, cols) array by rows is its (cols, rows) matrix a' = a^T. So

    y = a^H b      y' = b' a'^H        y = a b^H      y' = b'^H a'        y = a^H b^H      y' = b'^H a'^H
"""

import math
from typing import Any

import numpy as np

NAMES = {"f": "sgemm", "d": "dgemm", "F": "cgemm", "D": "zgemm"}


def takes(a: Any, b: Any) -> bool:
    """Whether a call of the library takes the factors as they are."""
    same = a.dtype == b.dtype and a.dtype.char in NAMES and a.ndim == b.ndim and a.shape[:-2] == b.shape[:-2]
    return same and a.flags.c_contiguous and b.flags.c_contiguous and a.size > 0 and b.size > 0


def product(
    blas: Any, handle: Any, pointer: Any, a: Any, b: Any, y: Any,
    adjoint_a: bool = False, adjoint_b: bool = False, add: bool = False,
) -> None:  # fmt: skip
    """y = a b, or y + a b, on the last two axes of contiguous arrays; either factor by its conjugate transpose."""
    rows, cols, inner = y.shape[-2], y.shape[-1], a.shape[-2 if adjoint_a else -1]
    flag = {False: blas.CUBLAS_OP_N, True: blas.CUBLAS_OP_C}
    one, old = np.ones((), a.dtype), np.asarray(add, a.dtype)
    getattr(blas, f"{NAMES[a.dtype.char]}StridedBatched")(
        handle, flag[adjoint_b], flag[adjoint_a], cols, rows, inner,
        one.ctypes.data, pointer(b), b.shape[-1], math.prod(b.shape[-2:]),
        pointer(a), a.shape[-1], math.prod(a.shape[-2:]),
        old.ctypes.data, pointer(y), cols, rows * cols, math.prod(y.shape[:-2]),
    )  # fmt: skip
