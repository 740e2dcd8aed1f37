"""relu, leaky_relu and tanh in space.

    relu        y = max(x, 0)                    gx = gy where x > 0, else 0            saved: one bit an entry
    leaky_relu  y = x where x > 0, else slope x  gx = gy where x > 0, else slope gy     saved: one bit an entry
    tanh        y = tanh(x)                      gx = gy (1 - y^2)                      saved: the output

A NaN stays one. An op that saves the y of relu or leaky_relu keeps x instead where x is saved anyway (by batch
normalisation): one map, not two. The bits decide, so that y made from a lossy x is still on the side where it was.
"""

from specframe.op import Op, check_tensors
from specframe.tape import apply
from specframe.tensor import Tensor


class ReLU(Op):
    name, recompute = "relu", "if_kept"

    @staticmethod
    def forward(ctx, x):
        ctx.save_bits(positive=x > 0)
        return ctx.xp.maximum(x, x.dtype.type(0))

    @staticmethod
    def backward(ctx, gy):
        return gy * ctx["positive"].dense()

    @staticmethod
    def remake(ctx, x):
        return ctx.backend.where(ctx["positive"].dense(), x)


class LeakyReLU(Op):
    name, recompute = "leaky_relu", "if_kept"

    @staticmethod
    def forward(ctx, x, slope):
        positive, ctx.slope = x > 0, slope
        ctx.save_bits(positive=positive)
        return ctx.xp.where(positive, x, x * x.dtype.type(slope))

    @staticmethod
    def backward(ctx, gy):
        return ctx.xp.where(ctx["positive"].dense(), gy, gy * gy.dtype.type(ctx.slope))

    @staticmethod
    def remake(ctx, x):
        return ctx.xp.where(ctx["positive"].dense(), x, x * x.dtype.type(ctx.slope))


class Tanh(Op):
    name = "tanh"

    @staticmethod
    def forward(ctx, x):
        y = ctx.xp.asarray(ctx.xp.tanh(x))  # NumPy gives a scalar for a 0-d array
        ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, gy):
        y = ctx["y"].dense()
        return gy * (y.dtype.type(1) - y * y)


def _check_real(op: str, x: Tensor) -> None:
    check_tensors(op, x)
    if x.dtype.kind != "f":
        raise ValueError(f"{op}: expected a real tensor, got {x.dtype} (split_tanh is for spectra)")


def relu(x: Tensor) -> Tensor:
    """max(x, 0) of a real Tensor of any shape; the gradient at 0 is 0."""
    _check_real("relu", x)
    return apply(ReLU, x)


def leaky_relu(x: Tensor, slope: float = 0.01) -> Tensor:
    """x where it is positive, slope x elsewhere, of a real Tensor of any shape; the gradient at 0 is slope."""
    _check_real("leaky_relu", x)
    return apply(LeakyReLU, x, slope=slope)


def tanh(x: Tensor) -> Tensor:
    """tanh(x) of a real Tensor of any shape."""
    _check_real("tanh", x)
    return apply(Tanh, x)
