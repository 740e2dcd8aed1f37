"""LeNet-5 and SpecLeNet-5 in PyTorch: a second implementation to test against and to compare bytes and seconds with.

Written from the equations with torch.fft and torch.autograd, sharing no code with specframe. PyTorch's own layout,
(batch, channels, rows, columns), throughout.

    net = from_numpy_state(TorchSpecLeNet5(beta, scale, grids), model.state_dict())
    images, labels = batch_of(x, y)
    step = step_of(net, images, labels, optimizer)
    saved_bytes(net, images, labels)

A state says nothing of beta, scale and grids, so none of them has a default here. To have a net in PyTorch, and no
second opinion on it, there is specframe.interop.to_torch(model), which reads them from the model.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class TorchLeNet5(nn.Module):
    """Two convolutions of 5 x 5 with tanh and max-pooling, then three linear layers."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding="same")
        self.conv2 = nn.Conv2d(6, 16, 5, padding="same")
        self.fc1, self.fc2, self.fc3 = nn.Linear(784, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.max_pool2d(torch.tanh(self.conv2(x)), 2)
        x = torch.tanh(self.fc1(x.flatten(1)))
        return self.fc3(torch.tanh(self.fc2(x)))


class TorchSpecLeNet5(TorchLeNet5):
    """The same parameters, each convolution and its tanh replaced by a spectral block; `grid` is a pair of grids."""

    def __init__(self, beta, scale, grid):
        super().__init__()
        self.beta, self.scale, self.grid = beta, scale, grid

    def forward(self, x):
        for conv, grid in zip((self.conv1, self.conv2), self.grid, strict=True):
            x = F.max_pool2d(spectral_block(x, conv.weight, conv.bias, grid, self.beta, self.scale), 2)
        x = torch.tanh(self.fc1(x.flatten(1)))
        return self.fc3(torch.tanh(self.fc2(x)))


def spectral_block(x, weight, bias, grid, beta, scale):
    """To the spectrum, convolve, drop the entries up to beta, squash the parts, and back."""
    rows, columns = x.shape[-2:]
    Y = spectral_conv2d(torch.fft.rfft2(x, s=grid, norm="ortho"), weight, bias, grid)
    Z = split_tanh(threshold(Y, beta), scale)
    return torch.fft.irfft2(Z, s=grid, norm="ortho")[..., :rows, :columns]


def spectral_conv2d(X, weight, bias, grid):
    """Y = sum over the input channels of X K; the bias of a map is its mean, entry [0, 0] of the spectrum."""
    Y = torch.einsum("bipq,oipq->bopq", X, kernel_spectrum(weight, grid))
    if bias is None:
        return Y
    corner = torch.zeros(Y.shape[-2:], dtype=weight.dtype, device=weight.device)
    corner[0, 0] = math.sqrt(grid[0] * grid[1])
    return Y + bias[:, None, None] * corner


def kernel_spectrum(weight, grid):
    """K[p, q] = sum_ij w[i, j] exp(2 pi i (p (i - c) / P + q (j - c) / W)) with centre c = (k - 1) // 2, no factor.

    The conjugate (against the Fourier transform of w) makes it a cross-correlation, the centre makes it "same".
    """
    P, W = grid
    c_rows, c_columns = ((k - 1) // 2 for k in weight.shape[-2:])
    p = torch.arange(P, dtype=weight.dtype, device=weight.device)[:, None] * (c_rows / P)
    q = torch.arange(W // 2 + 1, dtype=weight.dtype, device=weight.device)[None, :] * (c_columns / W)
    shift = torch.polar(torch.ones_like(p + q), -2 * math.pi * (p + q))
    return torch.fft.rfft2(weight, s=grid).conj() * shift


def threshold(Y, beta):
    """Y where abs(Y) > beta, else 0; which entries those are has no gradient."""
    return Y * (Y.detach().abs() > beta)


def split_tanh(Y, scale):
    """scale * tanh(part / scale) of the real and of the imaginary part."""
    return torch.complex(scale * torch.tanh(Y.real / scale), scale * torch.tanh(Y.imag / scale))


def from_numpy_state(net, state):
    """Fill `net` with NumPy arrays by dotted name (all of them, no others), in their precision; returns `net`."""
    tensors = {name: torch.tensor(array) for name, array in state.items()}
    net.to(next(iter(tensors.values())).dtype).load_state_dict(tensors)
    return net


def batch_of(x, y):
    """(images, labels) of x (rows, cols, batch, channels) and y (batch,), arrays of NumPy."""
    return torch.from_numpy(x.transpose(2, 3, 0, 1).copy()), torch.from_numpy(np.asarray(y))


def step_of(net, images, labels, optimizer=None):
    """A function that does one step of training: forward, backward and, with an optimizer, the update."""

    def step():
        net.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        if optimizer is not None:
            optimizer.step()

    return step


def saved_bytes(net, images, labels):
    """Bytes that autograd keeps for the backward of one training step's loss.

    Every storage counts once, with its whole size, however many views of it are saved. What lives anyway does not
    count: parameters, buffers, the input batch and its labels.
    """
    borrowed = (*net.parameters(), *net.buffers(), images, labels)
    lives_anyway = {tensor.untyped_storage().data_ptr() for tensor in borrowed}
    saved = []  # keeps the tensors, so that no address is used twice

    def keep(tensor):
        saved.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        F.cross_entropy(net(images), labels)
    sizes = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in saved}
    return sum(size for pointer, size in sizes.items() if pointer not in lives_anyway)
