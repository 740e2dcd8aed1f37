"""softmax_cross_entropy: a thread a row forward, a thread an entry backward."""

from specframe.backend import CUDA, Kernel
from specframe.fast.register import register
from specframe.ops.softmax_cross_entropy import SoftmaxCrossEntropy

FORWARD = Kernel("cross_entropy", """
extern "C" __global__ void cross_entropy(const real *x, const long long *labels, real *p, real *loss, long long batch,
                                         long long classes) {
    EACH(n, batch) {
        const real *row = x + n * classes;
        real most = row[0], total = 0;
        for (int k = 1; k < classes; k++) most = row[k] > most ? row[k] : most;
        for (int k = 0; k < classes; k++) total += p[n * classes + k] = exp(row[k] - most);
        for (int k = 0; k < classes; k++) p[n * classes + k] /= total;
        loss[n] = log(total) - (row[labels[n]] - most);
    }
}
""")  # fmt: skip

BACKWARD = Kernel("cross_entropy_back", """
extern "C" __global__ void cross_entropy_back(const real *p, const long long *labels, const real *gy, real *gx,
                                              long long batch, long long classes) {
    EACH(i, batch * classes)
        gx[i] = (p[i] - (i % classes == labels[i / classes])) * (*gy / batch);
}
""")  # fmt: skip


@register(SoftmaxCrossEntropy, CUDA)
class CudaSoftmaxCrossEntropy(SoftmaxCrossEntropy):
    @staticmethod
    def forward(ctx, x, labels):
        xp, x = ctx.xp, ctx.xp.ascontiguousarray(x)
        ctx.labels = labels.astype("int64", order="C")  # a copy: the caller may fill the array anew before the backward
        p, loss = xp.empty(x.shape, x.dtype), xp.empty(len(x), x.dtype)
        ctx.backend.launch(FORWARD, x.dtype, len(x), x, ctx.labels, p, loss, *x.shape)
        ctx.save(p=p)
        return loss.mean()

    @staticmethod
    def backward(ctx, gy):
        p = ctx["p"].dense()
        gx = ctx.xp.empty(p.shape, p.dtype)
        ctx.backend.launch(BACKWARD, p.dtype, p.size, p, ctx.labels, gy, gx, *p.shape)
        return gx
