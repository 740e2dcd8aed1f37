"""What decides, a module a chapter. Importing them fills the catalogue, in the order of the book."""

from specframe.exercises.checks import (
    c01_tape,
    c02_complex,
    c03_fourier,
    c04_convolution,
    c05_threshold_tanh,
    c06_pooling,
    c07_normalisation,
    c08_block,
    c09_store,
    c10_checking,
    c11_lenet,
    c12_depth,
    c13_memory,
    c14_devices,
)

__all__ = [
    "c01_tape",
    "c02_complex",
    "c03_fourier",
    "c04_convolution",
    "c05_threshold_tanh",
    "c06_pooling",
    "c07_normalisation",
    "c08_block",
    "c09_store",
    "c10_checking",
    "c11_lenet",
    "c12_depth",
    "c13_memory",
    "c14_devices",
]
