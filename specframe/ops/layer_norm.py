"""layer_norm: every sample brought to mean 0 and variance 1 over its last axes, then scaled and shifted.

    x (..., *features)    gamma, beta (*features)    mean, var over the features

    forward    s = 1 / sqrt(var x + eps),   n = (x - mean x) s,   y = gamma n + beta
    backward   gn = gamma gy,   gx = s (gn - mean gn - n mean(gn n))
               ggamma = sum of gy n,   gbeta = sum of gy,   over the samples

Saved: n and s (and gamma, which lives anyway).

Source: J. L. Ba, J. R. Kiros, G. E. Hinton, Layer Normalization, 2016, arXiv:1607.06450.
"""

from specframe.op import Op, check_tensors
from specframe.tape import apply
from specframe.tensor import Tensor


class LayerNorm(Op):
    name = "layer_norm"

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        ctx.features = tuple(range(x.ndim - gamma.ndim, x.ndim))
        ctx.samples = tuple(range(x.ndim - gamma.ndim))
        d = x - x.mean(axis=ctx.features, keepdims=True)
        s = 1 / ctx.xp.sqrt((d * d).mean(axis=ctx.features, keepdims=True) + x.dtype.type(eps))
        n = d * s
        if ctx.needs[0]:
            ctx.save(s=s, gamma=gamma)
        if ctx.needs[0] or ctx.needs[1]:
            ctx.save(n=n)
        y = n * gamma
        return y if beta is None else y + beta

    @staticmethod
    def backward(ctx, gy):
        gx = ggamma = gbeta = None
        if ctx.needs[0]:
            s, n, gn = ctx["s"].dense(), ctx["n"].dense(), gy * ctx["gamma"].dense()
            gx = gn - gn.mean(axis=ctx.features, keepdims=True)
            gx -= n * (gn * n).mean(axis=ctx.features, keepdims=True)
            gx *= s
        if ctx.needs[1]:
            ggamma = (gy * ctx["n"].dense()).sum(axis=ctx.samples)
        if ctx.needs[2]:
            gbeta = gy.sum(axis=ctx.samples)
        return gx, ggamma, gbeta


def layer_norm(x: Tensor, gamma: Tensor, beta: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """x normalised over its last axes, as many as gamma has.

    Parameters
    ----------
    x : Tensor (..., *features), real
    gamma, beta : Tensors (*features) of x's dtype; beta may be None
    eps : float, added to the variance

    Raises
    ------
    ValueError
        Shapes or dtypes that do not fit each other, or no features.
    """
    check_tensors("layer_norm", x, gamma, beta)
    for name, tensor in {"gamma": gamma, "beta": gamma if beta is None else beta}.items():
        fits = 0 < tensor.ndim <= x.ndim and tensor.shape == gamma.shape == x.shape[x.ndim - tensor.ndim :]
        if not fits or not tensor.size or tensor.dtype != x.dtype or x.dtype.kind != "f":
            raise ValueError(
                f"layer_norm: expected x (..., *features) and {name} (*features) of one real dtype, "
                f"got {x.shape} {x.dtype} and {tensor.shape} {tensor.dtype}"
            )
    return apply(LayerNorm, x, gamma, beta, eps=eps)
