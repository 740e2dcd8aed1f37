"""Batch normalisation, in space and in the spectrum."""

import numpy as np

from specframe import ops
from specframe.layers.module import Module, Parameter


class BatchNorm2d(Module):
    """Each channel to mean beta and deviation gamma over the batch; running statistics in evaluation.

    Parameters
    ----------
    channels : int
    momentum : float, share of the new statistics in the running ones
    eps : float
    """

    buffer_names = ("running_mean", "running_var")

    def __init__(self, channels, momentum=0.1, eps=1e-5, dtype=np.float32):
        self.momentum, self.eps = momentum, eps
        self.weight = Parameter(np.ones(channels, dtype))
        self.bias = Parameter(np.zeros(channels, dtype))
        self.running_mean = np.zeros(channels, dtype)
        self.running_var = np.ones(channels, dtype)

    def forward(self, x):
        running = (self.running_mean, self.running_var)
        return ops.batch_norm2d(x, self.weight, self.bias, running, self.training, self.momentum, self.eps)


class SpectralBatchNorm2d(BatchNorm2d):
    """The same for the maps on the whole grid, computed in their spectrum (ops/spectral_batch_norm2d.py).

    Parameters
    ----------
    channels, momentum, eps, dtype : as in BatchNorm2d
    """

    def forward(self, Y):
        running = (self.running_mean, self.running_var)
        return ops.spectral_batch_norm2d(Y, self.weight, self.bias, running, self.training, self.momentum, self.eps)
