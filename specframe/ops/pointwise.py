"""relu and tanh in space.

    relu   forward  y = max(x, 0)       backward  gx = gy where x > 0, else 0       saved: one bit an entry
    tanh   forward  y = tanh(x)         backward  gx = (1 - y^2) gy                 saved: the output

An op that saves relu's y keeps x instead where x is saved anyway (by batch normalisation): one map, not two. The bits
decide, so that y made from a lossy x is still zero where it was zero.
"""

from specframe.tape import Op, apply


class ReLU(Op):
    name, provenance = "relu", "kept"

    @staticmethod
    def forward(ctx, x):
        ctx.save_bits(positive=x > 0)
        return ctx.xp.maximum(x, x.dtype.type(0))

    @staticmethod
    def backward(ctx, gy):
        return gy * ctx["positive"].dense()

    @staticmethod
    def remake(ctx, x):
        return ctx.xp.where(ctx["positive"].dense(), x, x.dtype.type(0))


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
        gx = ctx.xp.asarray(y * y)
        ctx.xp.subtract(gx.dtype.type(1), gx, out=gx)
        gx *= gy
        return gx


def _check_real(op, x):
    if x.dtype.kind != "f":
        raise ValueError(f"{op}: expected a real tensor, got {x.dtype} (split_tanh is for spectra)")


def relu(x):
    """max(x, 0) of a real Tensor of any shape; the gradient at 0 is 0."""
    _check_real("relu", x)
    return apply(ReLU, x)


def tanh(x):
    """tanh(x) of a real Tensor of any shape."""
    _check_real("tanh", x)
    return apply(Tanh, x)
