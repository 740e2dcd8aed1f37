"""Every operation, its equation, forward and backward, one concept a file."""

from specframe.ops.abs import abs
from specframe.ops.arithmetic import add, divide, multiply, subtract
from specframe.ops.batch_norm2d import batch_norm2d
from specframe.ops.clip import clip
from specframe.ops.concatenate import concatenate, stack
from specframe.ops.conv2d import conv2d
from specframe.ops.convert import convert
from specframe.ops.decimate import decimate
from specframe.ops.detach import call_numpy as call_numpy
from specframe.ops.detach import detach
from specframe.ops.dropout import dropout
from specframe.ops.elementary import exp, log, sqrt
from specframe.ops.embedding import embedding
from specframe.ops.fourier import irfft2, rfft2
from specframe.ops.gelu import gelu
from specframe.ops.getitem import getitem
from specframe.ops.global_avg_pool2d import global_avg_pool2d
from specframe.ops.layer_norm import layer_norm
from specframe.ops.linear import linear
from specframe.ops.matmul import matmul
from specframe.ops.max import argmax, max, min
from specframe.ops.maximum import maximum, minimum
from specframe.ops.mse_loss import mse_loss
from specframe.ops.pad import pad
from specframe.ops.pointwise import leaky_relu, relu, tanh
from specframe.ops.pooling import avg_pool2d, max_pool2d
from specframe.ops.power import power
from specframe.ops.shape import flatten, reshape, squeeze
from specframe.ops.sigmoid import sigmoid
from specframe.ops.softmax import log_softmax, softmax
from specframe.ops.softmax_cross_entropy import softmax_cross_entropy
from specframe.ops.spectral_act import spectral_act
from specframe.ops.spectral_batch_norm2d import spectral_batch_norm2d
from specframe.ops.spectral_conv2d import spectral_conv2d
from specframe.ops.spectral_conv_act import spectral_conv_act
from specframe.ops.split_activation import split_activation
from specframe.ops.split_tanh import split_tanh
from specframe.ops.sum import mean, sum
from specframe.ops.threshold import threshold
from specframe.ops.transpose import transpose
from specframe.ops.var import var

cross_entropy = softmax_cross_entropy

__all__ = [
    "abs", "add", "argmax", "avg_pool2d", "batch_norm2d", "clip", "concatenate", "conv2d",
    "convert", "cross_entropy", "decimate", "detach", "divide", "dropout", "embedding", "exp", "flatten", "gelu",
    "getitem", "global_avg_pool2d", "irfft2", "layer_norm", "leaky_relu", "linear", "log", "log_softmax", "matmul",
    "max", "max_pool2d", "maximum", "mean", "min", "minimum", "mse_loss", "multiply", "pad", "power", "relu", "reshape",
    "rfft2", "sigmoid", "softmax", "softmax_cross_entropy", "spectral_act", "spectral_batch_norm2d", "spectral_conv2d",
    "spectral_conv_act", "split_activation", "split_tanh", "sqrt", "squeeze", "stack", "subtract", "sum", "tanh",
    "threshold", "transpose", "var",
]  # fmt: skip
