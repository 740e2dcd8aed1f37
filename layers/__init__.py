"""Layers: modules that own parameters and call ops."""

from specframe.layers.activation import GELU, Flatten, Identity, LeakyReLU, ReLU, Sigmoid, Tanh
from specframe.layers.checkpoint import Checkpoint
from specframe.layers.conv import Conv2d
from specframe.layers.dropout import Dropout
from specframe.layers.embedding import Embedding
from specframe.layers.linear import Linear
from specframe.layers.module import Module
from specframe.layers.norm import BatchNorm1d, BatchNorm2d, LayerNorm, SpectralBatchNorm2d
from specframe.layers.parameter import Parameter
from specframe.layers.pooling import AvgPool2d, GlobalAvgPool2d, MaxPool2d
from specframe.layers.sequential import ModuleDict, ModuleList, Sequential
from specframe.layers.spectral import SpectralConv2d, SpectralLayer, SplitActivation, SplitTanh, Threshold
from specframe.layers.spectral_block import SpectralBlock

__all__ = [
    "GELU", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Checkpoint", "Conv2d", "Dropout", "Embedding",
    "Flatten", "GlobalAvgPool2d", "Identity", "LayerNorm", "LeakyReLU", "Linear", "MaxPool2d", "Module", "ModuleDict",
    "ModuleList", "Parameter", "ReLU", "Sequential", "Sigmoid", "SpectralBatchNorm2d", "SpectralBlock",
    "SpectralConv2d", "SpectralLayer", "SplitActivation", "SplitTanh", "Tanh", "Threshold",
]  # fmt: skip
