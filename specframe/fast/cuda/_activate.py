"""Bias, threshold and activation of a spectrum in one kernel, and the way back in another.

    forward    Y + b d in bin (0, 0);   Y^ = Y where |Y| > beta, else 0;   Z = a f(Re(Y^) / a) + i a f(Im(Y^) / a)
    backward   gY = f'(Re(Y^) / a) Re(gZ) + i f'(Im(Y^) / a) Im(gZ) where Z is not zero, else 0

f and f', from t = f(x), are those of the table in ops/split_activation.py. |Y| is compared in double precision, in
which the squares of single ones are exact. Z may take the place of Y.
"""

from specframe.backend import Kernel

KINDS = ("tanh", "softsign", "hardtanh", "arctan")

FORWARD = Kernel("threshold_activate", """
__device__ real f(int kind, real x) {
    switch (kind) {
        case 0: return tanh(x);
        case 1: return x / (1 + fabs(x));
        case 2: return x < -1 ? (real)-1 : x > 1 ? (real)1 : x;
        default: return atan(x);
    }
}

extern "C" __global__ void threshold_activate(const real *Y, const real *bias, real *Z, long long n,
        long long first, long long channels, real dc, real beta, long long kind, real scale) {
    EACH(i, n) {
        real re = Y[2 * i], im = Y[2 * i + 1];
        if (i < first) re += bias[i % channels] * dc;        // first: entries of the bin (0, 0), 0 without a bias
        bool dropped = sizeof(real) == 4 ? (wide)re * re + (wide)im * im <= (wide)beta * beta : hypot(re, im) <= beta;
        Z[2 * i] = dropped ? (real)0 : scale * f(kind, re / scale);      // a NaN is not dropped
        Z[2 * i + 1] = dropped ? (real)0 : scale * f(kind, im / scale);
    }
}
""")  # fmt: skip

BACKWARD = Kernel("threshold_activate_back", """
__device__ real slope(int kind, real t) {
    switch (kind) {
        case 0: return 1 - t * t;
        case 1: return (1 - fabs(t)) * (1 - fabs(t));
        case 2: return fabs(t) < 1;
        default: return cos(t) * cos(t);
    }
}

extern "C" __global__ void threshold_activate_back(const real *Z, const real *gZ, real *gY, long long n,
                                                   long long kind, real scale) {
    EACH(i, n) {
        bool dropped = Z[2 * i] == 0 && Z[2 * i + 1] == 0;
        gY[2 * i] = dropped ? (real)0 : slope(kind, Z[2 * i] / scale) * gZ[2 * i];
        gY[2 * i + 1] = dropped ? (real)0 : slope(kind, Z[2 * i + 1] / scale) * gZ[2 * i + 1];
    }
}
""")  # fmt: skip


def forward(b, Y, bias, dc, beta, activation, scale, out=None):
    """Z, a new array or `out`; `bias` (channels,) or None."""
    Y = b.xp.ascontiguousarray(Y)
    Z, real = b.xp.empty(Y.shape, Y.dtype) if out is None else out, Y.real.dtype
    first, bias = (0, Y) if bias is None else (Y[0, 0].size, b.xp.ascontiguousarray(bias))  # Y: any address
    kind = KINDS.index(activation)
    b.launch(FORWARD, real, Y.size, Y, bias, Z, Y.size, first, Y.shape[-1], float(dc), beta, kind, scale)
    return Z


def backward(b, saved, gZ, activation, scale):
    """gY, from the handle of Z; where Z is nobody else's, in its place."""
    (Z, own), gZ = saved.writable(), b.xp.ascontiguousarray(gZ)
    Z = b.xp.ascontiguousarray(Z)
    gY = Z if own else b.xp.empty(gZ.shape, gZ.dtype)
    b.launch(BACKWARD, gZ.real.dtype, gZ.size, Z, gZ, gY, gZ.size, KINDS.index(activation), scale)
    return gY
