"""batch_norm_act2d: batch normalisation and leaky ReLU, keeping only their output (InPlace-ABN, Rota Bulo et al. 2018).

    x, z (rows, cols, batch, channels)    gamma, beta (channels,)    h, the normalised x, as in batch_norm2d

    forward    y = gamma h + beta,  z = y where y > 0, else slope y          slope > 0, so that there is a way back
    backward   y = z where y > 0, else z / slope,  h = (y - beta) / gamma
               gy = gz where y > 0, else slope gz,  and from gy on as in batch_norm2d

Saved: z, which a convolution after it saves anyway, and one bit an entry, y > 0. The bits could be read off z where it
is kept exactly; but a lossy store may round z to 0 or past it, and the gradient would jump from gz to slope gz. They
are 1/32 of a float32 map. Channels whose h cannot be had from y are treated as in fast/cpu/batch_norm2d.py.

ReLU and tanh have no such op: ReLU has no inverse, and that of tanh loses every digit where tanh saturates.
"""

import math
import types
from typing import Any

from specframe import ops
from specframe.fast.cpu.batch_norm2d import norm_backward, norm_forward
from specframe.fast.cpu.pointwise import leak
from specframe.op import Op
from specframe.ops.batch_norm2d import check
from specframe.tape import apply
from specframe.tensor import Tensor

SLOPE = 0.01  # of ops.leaky_relu


class BatchNormAct2d(Op):
    name = "batch_norm_act2d"

    @staticmethod
    def forward(ctx, x, gamma, beta, slope, running, training, momentum, eps):
        y = norm_forward(ctx, x, gamma, beta, running, training, momentum, eps)
        positive = y > 0
        z = leak(ctx.backend, positive, y, slope, out=y)
        ctx.slope = slope
        ctx.save_bits(positive=positive)
        ctx.save(z=z)
        return z

    @staticmethod
    def backward(ctx, gz):
        positive, (z, own) = ctx["positive"].dense(), ctx["z"].writable()
        y = leak(ctx.backend, positive, z, 1 / ctx.slope, out=z if own else None)
        return norm_backward(ctx, leak(ctx.backend, positive, gz, ctx.slope), y, True)


def batch_norm_act2d(
    x: Tensor,
    gamma: Tensor,
    beta: Tensor,
    slope: float = SLOPE,
    running: tuple[Any, Any] | None = None,
    training: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """leaky_relu(batch_norm2d(x)), as one op that keeps one map.

    Parameters
    ----------
    slope : float, positive, of the leaky ReLU; its gradient at 0 is slope
    x, gamma, beta, running, training, momentum, eps : as in batch_norm2d

    Raises
    ------
    ValueError
        As batch_norm2d does, and for a slope that is not positive.
    """
    check("batch_norm_act2d", x, gamma, beta, running, training)
    if not 0 < slope < math.inf:
        raise ValueError(f"batch_norm_act2d: slope must be positive, got {slope}: the op inverts its activation")
    return apply(
        BatchNormAct2d, x, gamma, beta, slope=slope, running=running, training=training, momentum=momentum, eps=eps
    )


def put_in_place(net: Any) -> Any:
    """Let a net's batch normalisations with a leaky ReLU behind them run as the one op; returns the net.

    Parameters
    ----------
    net : Module
        The pairs are found on modules with attributes `norm`, a BatchNorm2d, and `activation`, ops.leaky_relu, which
        run one after the other (models.common.ConvNormAct). Names, parameters and buffers stay what they are.

    Raises
    ------
    ValueError
        There is no such pair.
    """
    pairs = [
        module
        for module in net.modules()
        if getattr(module, "norm", None) is not None and getattr(module, "activation", None) is ops.leaky_relu
    ]
    if not pairs:
        raise ValueError(f"put_in_place: {type(net).__name__} has no batch normalisation with leaky_relu behind it")
    for module in pairs:
        module.norm.forward = types.MethodType(_norm_act, module.norm)
        module.activation = _done
    return net


def _norm_act(norm: Any, x: Tensor) -> Tensor:
    running = norm.running_mean, norm.running_var
    return batch_norm_act2d(x, norm.weight, norm.bias, SLOPE, running, norm.training, norm.momentum, norm.eps)


def _done(x: Tensor) -> Tensor:
    return x
