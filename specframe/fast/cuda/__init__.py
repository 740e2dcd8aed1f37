"""Bodies for a GPU, on CuPy: fewer launches, no waits. Their kernels stand beside their equations."""

from specframe.fast.cuda import fourier, spectral_act, spectral_conv2d

__all__ = ["fourier", "spectral_act", "spectral_conv2d"]
