"""The spectrum of a small kernel and its adjoint (ops/_kernel.py), as one complex product each.

    K = E k        gk = Re(E^H gK)

A product on a device costs a launch, whatever it multiplies: k as complex numbers spares putting K together of its
real and imaginary parts.
"""

import numpy as np

from specframe.backend import constant
from specframe.ops import _kernel


@constant
def _matrix(b, grid, k, real, adjoint):
    """E (P Q, k k), or E^H."""
    E = np.exp(1j * _kernel.angles(grid, k)).reshape(-1, k * k).astype(np.result_type(real, np.complex64))
    return b.asarray(np.ascontiguousarray(E.conj().T) if adjoint else E)


def spectrum_of(b, s, weight):
    """K (P, Q, c_in, c_out)"""
    c_out, c_in, k, _ = weight.shape
    E = _matrix(b, s.grid, k, weight.dtype, False)
    columns = weight.transpose(2, 3, 1, 0).astype(E.dtype, order="C").reshape(k * k, c_in * c_out)
    return b.xp.matmul(E, columns).reshape(*s.half, c_in, c_out)


def adjoint(b, s, gK, weight):
    """gk, as the weight (c_out, c_in, k, k)."""
    c_out, c_in, k, _ = weight.shape
    gk = b.xp.matmul(_matrix(b, s.grid, k, weight.dtype, True), gK.reshape(-1, c_in * c_out))
    return b.xp.ascontiguousarray(gk.real.reshape(k, k, c_in, c_out).transpose(3, 2, 0, 1))
