"""Bodies for a GPU, on CuPy: fewer launches, no waits. Their kernels stand beside their equations."""

from specframe.fast.cuda import (
    batch_norm2d,
    conv2d,
    fourier,
    pooling,
    softmax_cross_entropy,
    spectral_act,
    spectral_batch_norm2d,
    spectral_conv2d,
)

__all__ = [
    "batch_norm2d", "conv2d", "fourier", "pooling", "softmax_cross_entropy", "spectral_act", "spectral_batch_norm2d",
    "spectral_conv2d",
]  # fmt: skip
