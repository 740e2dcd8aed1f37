"""Bodies for the CPU, on NumPy."""

from specframe.fast.cpu import fourier, spectral_act, spectral_conv_act, split_activation

__all__ = ["fourier", "spectral_act", "spectral_conv_act", "split_activation"]
