"""softmax_cross_entropy: the loss of a classifier, averaged over the batch.

    logits x (batch, classes)    labels t (batch,) integers

    forward    p = exp(x - max x) / sum exp(x - max x),   L = -mean_n log p[n, t_n]
    backward   gx[n] = (p[n] - onehot(t_n)) / batch * gL

The maximum is subtracted first, so that exp cannot overflow. Saved: p.
"""

from typing import Any

from specframe import backend
from specframe.op import Op, check_tensors
from specframe.parts import is_cut
from specframe.tape import apply
from specframe.tensor import Tensor


class SoftmaxCrossEntropy(Op):
    name = "softmax_cross_entropy"

    @staticmethod
    def forward(ctx, x, labels):
        xp, n = ctx.xp, ctx.xp.arange(x.shape[0])
        shifted = x - x.max(axis=1, keepdims=True)
        p = xp.exp(shifted)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        ctx.labels = labels.copy()  # the caller may fill the array anew before the backward
        ctx.save(p=p)
        loss = (xp.log(total[:, 0]) - shifted[n, labels]).sum() / x.dtype.type(max(1, len(n)))
        return xp.asarray(loss)  # an array also where NumPy gives a scalar

    @staticmethod
    def backward(ctx, gy):
        xp, gx = ctx.xp, ctx["p"].dense().copy()
        gx[xp.arange(gx.shape[0]), ctx.labels] -= 1
        gx *= gy / gx.dtype.type(max(1, gx.shape[0]))
        return gx


def softmax_cross_entropy(logits: Tensor, labels: Any) -> Tensor:
    """Mean cross-entropy between softmax(logits) and integer labels.

    Parameters
    ----------
    logits : Tensor (batch, classes), real
    labels : integer array (batch,), or a Tensor of one, on the logits' device

    Returns
    -------
    Tensor (), the mean over the batch; 0 of a part of a batch that has got no images

    Raises
    ------
    ValueError
        Labels that are no integers (NaN included), are out of range, or differ from the batch in number.
    """
    check_tensors("softmax_cross_entropy", logits)
    labels = labels.data if isinstance(labels, Tensor) else labels
    backend.of("softmax_cross_entropy", logits.data, labels)
    if logits.ndim != 2 or logits.dtype.kind != "f":
        raise ValueError(
            f"softmax_cross_entropy: expected real logits (batch, classes), got {logits.shape} {logits.dtype}"
        )
    if labels.dtype.kind not in "iu":
        raise ValueError(f"softmax_cross_entropy: labels must be integers, got {labels.dtype}")
    if labels.shape != logits.shape[:1]:
        raise ValueError(f"softmax_cross_entropy: {logits.shape[0]} rows of logits, but labels of shape {labels.shape}")
    if logits.shape[0] == 0 and not is_cut():
        raise ValueError("softmax_cross_entropy: the batch is empty")
    low = high = 0
    if labels.size:
        b = backend.of("softmax_cross_entropy", labels)
        low, high = b.to_host(b.xp.stack([labels.min(), labels.max()])).tolist()  # one transfer
    if low < 0 or high >= logits.shape[1]:
        raise ValueError(
            f"softmax_cross_entropy: labels must lie in 0 .. {logits.shape[1] - 1}, got {low if low < 0 else high}"
        )
    return apply(SoftmaxCrossEntropy, logits, labels=labels)
