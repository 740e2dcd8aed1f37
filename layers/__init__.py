"""Layers: modules that own parameters and call ops."""

from specframe.layers.activation import Dropout, Flatten, ReLU, Tanh
from specframe.layers.checkpoint import Checkpoint
from specframe.layers.conv import Conv2d
from specframe.layers.linear import Linear
from specframe.layers.module import Module, Parameter
from specframe.layers.norm import BatchNorm2d, SpectralBatchNorm2d
from specframe.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from specframe.layers.sequential import Sequential
from specframe.layers.spectral import (
    SpectralBlock,
    SpectralConv2d,
    SpectralLayer,
    SplitActivation,
    SplitTanh,
    Threshold,
)

__all__ = [
    "AvgPool2d", "BatchNorm2d", "Checkpoint", "Conv2d", "Dropout", "Flatten", "GlobalAvgPool2d",
    "Linear", "MaxPool2d", "Module", "Parameter", "ReLU", "Sequential", "SpectralBatchNorm2d", "SpectralBlock",
    "SpectralConv2d", "SpectralLayer", "SplitActivation", "SplitTanh", "Tanh", "Threshold",
]  # fmt: skip
