"""The arrays of a spectral block on a real digit, forward and backward, one op after another.

They are those of the first block of the page's net, one of its six maps, for a 7; the gradients are those of the loss.
"""

from typing import Any

import numpy as np

import specframe as sf
from build import load
from specframe import ops
from specframe.models import SpecLeNet5

DIGIT, MAP = 14, 0  # of the twenty digits; of the six maps
N = 28  # the grid


def _through(op: Any, array: Any, g: Any = None) -> tuple[Any, Any]:
    """(op(array), the gradient of array where g is that of the result)."""
    leaf = sf.Tensor(array, requires_grad=True)
    with sf.Tape() as tape:
        result = op(leaf)
    if g is not None:
        tape.backward(result, g)
    return result.numpy(), leaf.grad


def arrays() -> dict[str, Any]:
    """By name: x, X, K, Y, T (after the threshold), Z, y, and gx, ... in double precision, of one map."""
    single, saved = load()
    net = SpecLeNet5(beta=single.conv1.beta, scale=single.conv1.scale, dtype=np.float64)
    net.load_state_dict(single.state_dict())
    grid, block, found = (N, N), net.conv1, {}
    steps = {  # what makes each array from the one before
        "X": lambda x: ops.rfft2(x, grid),
        "Y": lambda X: ops.spectral_conv2d(X, block.weight, block.bias, grid=grid),
        "T": lambda Y: ops.threshold(Y, block.beta),
        "Z": lambda T: ops.split_tanh(T, block.scale),
        "y": lambda Z: ops.irfft2(Z, grid),
    }
    found["x"] = saved["digits"][DIGIT].astype(np.float64)[:, :, None, None] / 255
    before = "x"
    for name, op in steps.items():
        found[name], _ = _through(op, found[before])
        before = name

    def loss(y: Any) -> Any:
        features = net.flatten(net.stage(1, net.pool(y)))
        hidden = ops.tanh(net.fc2(ops.tanh(net.fc1(features))))
        return ops.softmax_cross_entropy(net.fc3(hidden), saved["labels"][DIGIT : DIGIT + 1])

    _, found["gy"] = _through(loss, found["y"], np.ones(()))
    names = ["x", *steps]
    for made, source in zip(names[:0:-1], names[-2::-1], strict=True):
        _, found[f"g{source}"] = _through(steps[made], found[source], found[f"g{made}"])
    kernel = np.roll(np.pad(block.weight.numpy()[MAP, 0], ((0, N - 5), (0, N - 5))), (-2, -2), (0, 1))
    found["K"] = np.conj(np.fft.rfft2(kernel))[:, :, None, None]  # a correlation: the conjugate
    found["gK"] = np.conj(found["X"]) * found["gY"][:, :, :, MAP : MAP + 1]  # eq. (3)
    return {name: array[:, :, 0, MAP if array.shape[3] > 1 else 0] for name, array in found.items()}
