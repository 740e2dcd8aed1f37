"""max_pool2d in a kernel each way: every output looks at its window, every input at the windows that hold it."""

import math

from specframe.backend import CUDA, Kernel
from specframe.fast.register import register
from specframe.ops.pooling import MaxPool2d

FORWARD = Kernel("max_pool", """
extern "C" __global__ void max_pool(const real *x, real *y, unsigned short *winner, long long n, long long cols,
        long long out_cols, long long line, long long height, long long width, long long s, long long t) {
    EACH(o, n) {                                             // o = (r * out_cols + c) * line + entry
        long long entry = o % line, c = o / line % out_cols, r = o / line / out_cols;
        const real *corner = x + (r * s * cols + c * t) * line + entry;
        real best = *corner;
        int first = 0;
        for (int i = 1; i < height * width; i++) {
            real z = corner[(i / width * cols + i % width) * line];
            if (!(z <= best || best != best)) { best = z; first = i; }     // a NaN is larger, and stays
        }
        y[o] = best;
        winner[o] = first;
    }
}
""")  # fmt: skip

BACKWARD = Kernel("max_pool_back", """
extern "C" __global__ void max_pool_back(const real *gy, const unsigned char *winner, long long bytes, real *gx,
        long long n, long long cols, long long out_rows, long long out_cols, long long line, long long height,
        long long width, long long s, long long t) {
    EACH(e, n) {                                             // e = (row * cols + col) * line + entry
        long long entry = e % line, col = e / line % cols, row = e / line / cols;
        real sum = 0;
        for (long long i = row % s; i < height; i += s)      // row = r s + i
            for (long long j = col % t; j < width; j += t) {
                long long r = (row - i) / s, c = (col - j) / t;
                if (i > row || j > col || r >= out_rows || c >= out_cols) continue;
                long long o = (r * out_cols + c) * line + entry;
                int first = bytes == 1 ? winner[o] : ((const unsigned short *)winner)[o];
                if (first == i * width + j) sum += gy[o];
            }
        gx[e] = sum;
    }
}
""")  # fmt: skip


@register(MaxPool2d, CUDA)
class CudaMaxPool2d(MaxPool2d):
    @staticmethod
    def forward(ctx, x, size, stride):
        xp, x, ctx.shape, ctx.size, ctx.stride = ctx.xp, ctx.xp.ascontiguousarray(x), x.shape, size, stride
        rows, cols = ((n - k) // s + 1 for n, k, s in zip(x.shape, size, stride, strict=False))
        y, line = xp.empty((rows, cols, *x.shape[2:]), x.dtype), math.prod(x.shape[2:])
        winner = xp.empty(y.shape, "uint16")
        ctx.backend.launch(FORWARD, x.dtype, y.size, x, y, winner, y.size, x.shape[1], cols, line, *size, *stride)
        ctx.save_bits(levels=math.prod(size), winner=winner)
        return y

    @staticmethod
    def backward(ctx, gy):
        xp, gy, winner = ctx.xp, ctx.xp.ascontiguousarray(gy), ctx["winner"].dense()
        gx, line = xp.empty(ctx.shape, gy.dtype), math.prod(ctx.shape[2:])
        sizes = ctx.shape[1], *gy.shape[:2], line, *ctx.size, *ctx.stride
        ctx.backend.launch(BACKWARD, gy.dtype, gx.size, gy, winner, winner.itemsize, gx, gx.size, *sizes)
        return gx
