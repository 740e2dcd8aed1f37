"""batch_norm_act2d: batch normalisation and leaky ReLU, keeping only their output (InPlace-ABN, Rota Bulo et al. 2018).

    x, z (rows, cols, batch, channels)    gamma, beta (channels,)    h, the normalised x, as in batch_norm2d

    forward    y = gamma h + beta,  z = y where y > 0, else slope y          slope > 0, so that there is a way back
    backward   y = z where y > 0, else z / slope,  h = (y - beta) / gamma
               gy = gz where y > 0, else slope gz,  and from gy on as in batch_norm2d

Saved: z, which a convolution after it saves anyway, and one bit an entry, y > 0. The bits could be read off z where it
is kept exactly; but a lossy store may round z to 0 or past it, and the gradient would jump from gz to slope gz. They
are 1/32 of a float32 map. Where some |gamma| is below GAMMA_MIN, h is saved in place of z, as in batch_norm2d.

ReLU and tanh have no such op: ReLU has no inverse, and that of tanh loses every digit where tanh saturates.
"""

import math

from specframe.op import Op
from specframe.ops.batch_norm2d import check, norm_backward, norm_forward
from specframe.ops.pointwise import leak
from specframe.tape import apply


class BatchNormAct2d(Op):
    name = "batch_norm_act2d"

    @staticmethod
    def forward(ctx, x, gamma, beta, slope, running, training, momentum, eps):
        y = norm_forward(ctx, x, gamma, beta, running, training, momentum, eps)
        positive = y > 0
        z = leak(ctx.backend, positive, y, slope, out=y)
        ctx.slope = slope
        ctx.save_bits(positive=positive)
        if ctx.from_output:
            ctx.save(z=z)
        return z

    @staticmethod
    def backward(ctx, gz):
        positive = ctx["positive"].dense()
        y = None
        if ctx.from_output:
            z, own = ctx["z"].writable()
            y = leak(ctx.backend, positive, z, 1 / ctx.slope, out=z if own else None)
        return norm_backward(ctx, leak(ctx.backend, positive, gz, ctx.slope), y, True)


def batch_norm_act2d(x, gamma, beta, slope=0.01, running=None, training=True, momentum=0.1, eps=1e-5):
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
