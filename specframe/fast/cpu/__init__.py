"""Bodies for the CPU."""

from specframe.fast.cpu import batch_norm2d, conv2d, pointwise, pooling, spectral_batch_norm2d

__all__ = ["batch_norm2d", "conv2d", "pointwise", "pooling", "spectral_batch_norm2d"]
