"""convert: the same numbers in memory of their own, on another device or in another precision.

    forward    y = x there
    backward   gx = gy, on x's device and in x's precision; of a complex gy for a real x the real part

Nothing is saved.
"""

from typing import Any

import numpy as np

from specframe import backend
from specframe.op import Op, check_tensors
from specframe.ops._broadcast import reduce_to
from specframe.ops.detach import detach
from specframe.recording import current, gradients_off
from specframe.tape import apply
from specframe.tensor import Tensor


class Convert(Op):
    name = "convert"

    @staticmethod
    def forward(ctx, x, target, dtype, spectrum):
        ctx.like, ctx.spectrum = (x.shape, x.dtype), spectrum
        y = target.asarray(x)
        return y.astype(dtype) if y is x or y.dtype != dtype else y

    @staticmethod
    def backward(ctx, gy):
        return reduce_to(ctx.backend.asarray(gy), ctx.like)


def convert(x: Tensor, device: Any = None, dtype: Any = None) -> Tensor:
    """A copy of x.

    Parameters
    ----------
    x : Tensor
    device : "cpu", "cuda", "auto", or None: that of x
    dtype : float32, float64, complex64, complex128, an integer dtype, or None: that of x

    Returns
    -------
    Tensor
        With x's spectrum. Under a tape, a result like any other. Outside of one, a new leaf, which requires a gradient
        where x does.

    Raises
    ------
    ValueError
        Complex numbers as real ones.
    DeviceError
        The device is not there.
    """
    check_tensors("convert", x)
    target, dtype = x.backend if device is None else backend.get(device), np.dtype(x.dtype if dtype is None else dtype)
    if x.dtype.kind == "c" and dtype.kind != "c":
        raise ValueError(f"convert: {x.dtype} as {dtype} would lose the imaginary part")
    has_gradient = dtype.kind in "fc"
    y = apply(Convert, x if has_gradient else detach(x), target=target, dtype=dtype, spectrum=x.spectrum)
    if current() is None and not gradients_off():
        y.requires_grad = x.requires_grad and has_gradient
    return y
