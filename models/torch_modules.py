"""Our layers and nets as PyTorch modules; the only module here that imports torch, and only when to_torch is called.

A `Mirror` takes over what the attributes of a module of ours hold: parameters and buffers under the same names, the
modules inside as their mirrors, and settings (beta, scale, grid, ...) as they are. What is left to each class is its
forward, in PyTorch's layout:

    maps (batch, channels, rows, cols)    half spectra (batch, channels, P, Q), with the grid (P, W) beside them
"""

import math
from collections import OrderedDict

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from specframe import backend, layers, models, ops
from specframe.grids import choose_grid
from specframe.layers.checks import pair
from specframe.layers.conv import sides_of
from specframe.layers.sequential import Function
from specframe.models import chain, common, resnet

FUNCTIONS = {
    ops.relu: F.relu, ops.leaky_relu: F.leaky_relu, ops.tanh: torch.tanh, ops.sigmoid: torch.sigmoid, ops.gelu: F.gelu,
}  # fmt: skip
POINTWISE = {
    layers.ReLU: F.relu, layers.Tanh: torch.tanh, layers.Sigmoid: torch.sigmoid, layers.GELU: F.gelu,
}  # fmt: skip
ACTIVATIONS = {"tanh": torch.tanh, "softsign": F.softsign, "hardtanh": F.hardtanh, "arctan": torch.atan}


def convert(part, memo):
    """The mirror of a value that a module holds; one that is held twice has one mirror."""
    if id(part) not in memo:
        memo[id(part)] = _convert(part, memo)
    return memo[id(part)]


def _convert(part, memo):
    if isinstance(part, layers.Parameter):
        return nn.Parameter(_tensor(part.data), part.requires_grad)
    if isinstance(part, layers.Sequential):
        inside = OrderedDict((name, convert(inner, memo)) for name, inner in part._modules.items())
        sequential = nn.Sequential(inside)
        sequential.training = part.training
        return sequential
    if isinstance(part, layers.Module):
        if type(part) not in MIRRORS:
            raise TypeError(f"to_torch: no PyTorch module is known for a {type(part).__name__}")
        return MIRRORS[type(part)](part, memo)
    if isinstance(part, list | tuple) and any(isinstance(inner, layers.Module) for inner in part):
        return nn.ModuleList([None if inner is None else convert(inner, memo) for inner in part])
    if callable(part):
        if part not in FUNCTIONS:
            raise TypeError(f"to_torch: no PyTorch function is known for {getattr(part, '__name__', part)!r}")
        return FUNCTIONS[part]
    return part


def _tensor(array):
    return torch.from_numpy(np.array(backend.to_host(array)))


class Mirror(nn.Module):
    """A module with the parts and settings of one of ours."""

    shared = ()  # names of settings that all of a class have

    def __init__(self, ours, memo):
        super().__init__()
        self.settings = ours.extra_repr()
        for name in self.shared:
            setattr(self, name, getattr(ours, name))
        for name, part in vars(ours).items():
            if name in ours.buffer_names:
                self.register_buffer(name, _tensor(part))
            else:
                setattr(self, name, convert(part, memo))

    def extra_repr(self):
        return self.settings


# ---- in space ----------------------------------------------------------------------------------------------------


class Conv2d(Mirror):
    def forward(self, x):
        around = sides_of(self.padding)
        if around == "same":
            around = [((k - 1) // 2, k // 2) for k in pair(self.kernel_size)]
        (top, bottom), (left, right) = around
        if (top, left) == (bottom, right):  # without a copy of x
            return F.conv2d(x, self.weight, self.bias, pair(self.stride), (top, left))
        return F.conv2d(F.pad(x, (left, right, top, bottom)), self.weight, self.bias, pair(self.stride))


class Linear(Mirror):
    def forward(self, x):
        if x.ndim != 2:
            raise ValueError(f"Linear: expected (batch, {self.n_in}), got {tuple(x.shape)}")
        return F.linear(x, self.weight, self.bias)


class BatchNorm(Mirror):
    def forward(self, x):
        running = self.running_mean, self.running_var
        return F.batch_norm(x, *running, self.weight, self.bias, self.training, self.momentum, self.eps)


class MaxPool2d(Mirror):
    def forward(self, x):
        return F.max_pool2d(x, self.size, self.stride)


class AvgPool2d(Mirror):
    def forward(self, x):
        return F.avg_pool2d(x, self.size, self.stride)


class GlobalAvgPool2d(Mirror):
    def forward(self, x):
        return x.mean((2, 3))


class Flatten(Mirror):
    def forward(self, x):
        return x.flatten(1)


class Dropout(Mirror):
    """It draws from PyTorch's generator: other entries than ours, as many."""

    def forward(self, x):
        return F.dropout(x, self.p, self.training)


class LeakyReLU(Mirror):
    def forward(self, x):
        return F.leaky_relu(x, self.slope)


class Pointwise(Mirror):
    """Any of the activations without a setting."""

    def __init__(self, ours, memo):
        super().__init__(ours, memo)
        self.function = POINTWISE[type(ours)]

    def forward(self, x):
        return self.function(x)


class Identity(Mirror):
    def forward(self, x):
        return x


class Called(Mirror):
    """A function that became a module."""

    def forward(self, x):
        return self.function(x)


# ---- in the spectrum -----------------------------------------------------------------------------------------------


def rfft2(x, grid, norm):
    return torch.fft.rfft2(x, s=grid, norm=norm)


def irfft2(Z, grid, norm, size):
    """Maps, cropped to `size`."""
    return torch.fft.irfft2(Z, s=grid, norm=norm)[..., : size[0], : size[1]]


def kernel_spectrum(weight, grid):
    """K[p, q] = sum over i, j of exp(2 pi i (p (i - c) / P + q (j - c) / W)) k[i, j], c = (k - 1) // 2."""
    k, (P, W) = weight.shape[-1], grid
    real = {"dtype": torch.float64, "device": weight.device}
    offset = 2 * math.pi * (torch.arange(k, **real) - (k - 1) // 2)
    complex_ = torch.complex64 if weight.dtype == torch.float32 else torch.complex128
    by_rows, by_cols = (
        torch.exp(1j * torch.outer(torch.arange(n, **real), offset / points)).to(complex_)
        for n, points in ((P, P), (W // 2 + 1, W))
    )
    return by_rows @ weight.to(complex_) @ by_cols.mT


def step(Z, grid, norm, weight, bias, batch_norm, stride, beta, activation, scale):
    """Convolution, (stride), (batch normalisation), threshold, activation; returns the spectrum and its grid."""
    Y = torch.einsum("bipq,oipq->bopq", Z, kernel_spectrum(weight, grid))
    if bias is not None:
        points = grid[0] * grid[1]
        Y[..., 0, 0] += bias * (math.sqrt(points) if norm == "ortho" else points)
    if stride > 1 or batch_norm is not None:
        y = irfft2(Y, grid, norm, grid)[..., ::stride, ::stride]
        grid = (grid[0] // stride, grid[1] // stride)
        Y = rfft2(y if batch_norm is None else batch_norm(y), grid, norm)
    Y, f = Y * (Y.abs() > beta), ACTIVATIONS[activation]
    return torch.complex(scale * f(Y.real / scale), scale * f(Y.imag / scale)), grid


class SpectralLayer(Mirror):
    """Of the inside of a net only: it is told the grid, which no PyTorch tensor carries."""

    def forward(self, X, grid, norm):
        parts = self.weight, self.bias, self.batch_norm
        return step(X, grid, norm, *parts, self.stride, self.beta, self.activation, self.scale)[0]


class SpectralBlock(Mirror):
    def forward(self, x):
        grid = choose_grid(tuple(x.shape[-2:]), self.kernel_size, self.grid, self.stride, self.margin)
        size = [-(-n // self.stride) for n in x.shape[-2:]]
        betas = self.beta if isinstance(self.beta, list | tuple) else [self.beta] * self.convs
        Z, stride = rfft2(x, grid, self.norm), self.stride
        for number, beta in enumerate(betas, 1):
            suffix = "" if number == 1 else str(number)
            parts = (getattr(self, f"{name}{suffix}") for name in ("weight", "bias", "batch_norm"))
            Z, grid = step(Z, grid, self.norm, *parts, stride, beta, self.activation, self.scale)
            stride = 1
        return irfft2(Z, grid, self.norm, size)


# ---- nets ----------------------------------------------------------------------------------------------------------


class ConvNormAct(Mirror):
    def forward(self, x):
        x = self.conv(x)
        return self.activation(x if self.norm is None else self.norm(x))


class Convolutions(Mirror):
    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


class LeNet5(Mirror):
    def forward(self, x):
        x = self.pool(torch.tanh(self.conv1(x)))
        x = self.pool(torch.tanh(self.conv2(x)))
        return self.classify(x)

    def classify(self, x):
        x = torch.tanh(self.fc1(self.flatten(x)))
        return self.fc3(torch.tanh(self.fc2(x)))


class SpecLeNet5(LeNet5):
    def forward(self, x):
        return self.classify(self.pool(self.conv2(self.pool(self.conv1(x)))))


class Chain(Mirror):
    shared = ("plan", "listed", "rectified")

    def forward(self, x):
        stages = getattr(self, self.listed)
        for number, (row, stage, norm) in enumerate(zip(self.plan, stages, self.norms, strict=True)):
            x = stage(x)
            x = self.pool(x) if row.pooled else x
            x = x if norm is None else norm(x)
            x = F.relu(x) if number < self.rectified else x
        return self.fc(self.flatten(x))


class DenseNet(Mirror):
    def forward(self, x):
        x = self.pool(self.stem(x))
        for narrow, wide in zip(self.narrow, self.wide, strict=True):
            x = torch.cat([x, wide(narrow(x))], 1)
        return self.fc(self.average(x))


class SpecDenseNet(Mirror):
    def forward(self, x):
        after = F.relu if self.rectify else nn.Identity()
        x = self.pool(self.stem(x))
        x = after(x if self.norm is None else self.norm(x))
        size, norm = tuple(x.shape[-2:]), self.spectrum_norm
        grid, pairs = choose_grid(size, 3, self.grid), list(zip(self.narrow, self.wide, strict=True))
        for start in range(0, len(pairs), self.return_every):
            X = rfft2(x, grid, norm)
            for narrow, wide in pairs[start : start + self.return_every]:
                X = torch.cat([X, wide(narrow(X, grid, norm), grid, norm)], 1)
            x = torch.cat([x, after(irfft2(X[:, x.shape[1] :], grid, norm, size))], 1)
        return self.fc(self.average(x))


def shortcut(x, channels, stride):
    x = x[..., ::stride, ::stride]
    return F.pad(x, (0, 0, 0, 0, 0, channels - x.shape[1]))


class Residual(Mirror):
    def forward(self, x):
        y = self.second(self.first(x))
        y = y if self.norm is None else self.norm(y)
        return self.activation(y + shortcut(x, self.c_out, self.stride))


class SpectralPart(Mirror):
    def forward(self, x):
        y = self.block(x)
        y = y if self.norm is None else self.norm(y)
        y = y + shortcut(x, self.block.c_out, self.block.stride) if self.residual else y
        return F.relu(y) if self.rectify else y


class ResNet(Mirror):
    def forward(self, x):
        x = self.stem(x)
        for stage in self.stages:
            x = stage(x)
        return self.fc(self.average(x))


MIRRORS = {
    layers.Conv2d: Conv2d, layers.Linear: Linear, layers.BatchNorm1d: BatchNorm, layers.BatchNorm2d: BatchNorm,
    layers.SpectralBatchNorm2d: BatchNorm, layers.MaxPool2d: MaxPool2d, layers.AvgPool2d: AvgPool2d,
    layers.GlobalAvgPool2d: GlobalAvgPool2d, layers.Flatten: Flatten, layers.Dropout: Dropout,
    layers.Identity: Identity, layers.LeakyReLU: LeakyReLU, **dict.fromkeys(POINTWISE, Pointwise), Function: Called,
    layers.SpectralLayer: SpectralLayer, layers.SpectralBlock: SpectralBlock,
    common.ConvNormAct: ConvNormAct, chain.Convolutions: Convolutions,
    resnet.Residual: Residual, resnet.SpectralPart: SpectralPart,
    models.LeNet5: LeNet5, models.SpecLeNet5: SpecLeNet5, models.AlexNet: Chain, models.SpecAlexNet: Chain,
    models.VGG16: Chain, models.SpecVGG16: Chain, models.DenseNet: DenseNet, models.SpecDenseNet: SpecDenseNet,
    models.ResNet: ResNet, models.SpecResNet: ResNet,
}  # fmt: skip
