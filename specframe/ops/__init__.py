"""Every operation, its equation, forward and backward, one concept a file."""

from specframe.ops.arithmetic import add, divide, mean, multiply, power, subtract, sum
from specframe.ops.batch_norm2d import batch_norm2d
from specframe.ops.conv2d import conv2d
from specframe.ops.decimate import decimate
from specframe.ops.dropout import dropout
from specframe.ops.fourier import irfft2, rfft2
from specframe.ops.global_avg_pool2d import global_avg_pool2d
from specframe.ops.linear import linear
from specframe.ops.pointwise import leaky_relu, relu, tanh
from specframe.ops.pooling import avg_pool2d, max_pool2d
from specframe.ops.shape import concatenate, reshape, transpose
from specframe.ops.softmax_cross_entropy import softmax_cross_entropy
from specframe.ops.spectral_act import spectral_act
from specframe.ops.spectral_batch_norm2d import spectral_batch_norm2d
from specframe.ops.spectral_conv2d import spectral_conv2d
from specframe.ops.spectral_conv_act import spectral_conv_act
from specframe.ops.split_activation import split_activation
from specframe.ops.split_tanh import split_tanh
from specframe.ops.threshold import threshold

__all__ = [
    "add", "avg_pool2d", "batch_norm2d", "concatenate", "conv2d", "decimate", "divide", "dropout", "global_avg_pool2d",
    "irfft2", "leaky_relu", "linear", "max_pool2d", "mean", "multiply", "power", "relu", "reshape",
    "rfft2", "softmax_cross_entropy", "spectral_act", "spectral_batch_norm2d", "spectral_conv2d", "spectral_conv_act",
    "split_activation", "split_tanh", "subtract", "sum", "tanh", "threshold", "transpose",
]  # fmt: skip
