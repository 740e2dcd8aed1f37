"""Bodies for the CPU, on NumPy."""

from specframe.fast.cpu import (
    batch_norm2d,
    conv2d,
    fourier,
    pointwise,
    pooling,
    spectral_act,
    spectral_batch_norm2d,
    spectral_conv_act,
    split_activation,
)

__all__ = [
    "batch_norm2d", "conv2d", "fourier", "pointwise", "pooling", "spectral_act", "spectral_batch_norm2d",
    "spectral_conv_act", "split_activation",
]  # fmt: skip
