"""The four calls of cuBLAS that we make, as its manual describes them, on addresses of NumPy's memory.

Matrices lie column by column: entry (i, j) of one with leading dimension ld is at i + j ld. For each of a batch

    C = alpha op(A) op(B) + beta C        op(A) m x k, op(B) k x n, C m x n
"""

import ctypes

import numpy as np

from tests.kit import costs

CUBLAS_OP_N, CUBLAS_OP_T, CUBLAS_OP_C = 0, 1, 2


def _matrices(address, dtype, rows, cols, ld, stride, batch):
    """(batch, rows, cols), a view of the memory at an address."""
    assert ld >= rows, "the leading dimension is shorter than a column"
    count = (batch - 1) * stride + (cols - 1) * ld + rows
    memory = np.frombuffer((ctypes.c_char * (count * dtype.itemsize)).from_address(address), dtype)
    strides = (stride * dtype.itemsize, dtype.itemsize, ld * dtype.itemsize)
    return np.lib.stride_tricks.as_strided(memory, (batch, rows, cols), strides)


def _gemm(char):
    dtype = np.dtype(char)

    def number(address):
        return np.frombuffer((ctypes.c_char * dtype.itemsize).from_address(address), dtype)[0]

    def call(
        handle, op_a, op_b, m, n, k, alpha, a, lda, stride_a, b, ldb, stride_b, beta, c, ldc, stride_c, batch
    ):  # fmt: skip
        def operand(address, op, rows, cols, ld, stride):
            if op == CUBLAS_OP_N:
                return _matrices(address, dtype, rows, cols, ld, stride, batch)
            x = _matrices(address, dtype, cols, rows, ld, stride, batch).swapaxes(1, 2)
            return x.conj() if op == CUBLAS_OP_C else x

        costs.total.launches += 1
        out = _matrices(c, dtype, m, n, ldc, stride_c, batch)
        y = number(alpha) * (operand(a, op_a, m, k, lda, stride_a) @ operand(b, op_b, k, n, ldb, stride_b))
        out[...] = y + number(beta) * out if number(beta) else y  # C is not read where beta is 0

    return call


sgemmStridedBatched, dgemmStridedBatched, cgemmStridedBatched, zgemmStridedBatched = map(_gemm, "fdFD")
