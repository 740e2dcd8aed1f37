"""What goes before cuFFT's real inverse, in one pass: the Hermitian part of the edge columns, and every factor.

cuFFT takes the edge columns (0 and, for even W, W/2) for Hermitian and reads but one of each conjugate pair; NumPy's
inverse takes their Hermitian part, whatever they hold. So

    out[p, q] = edge (Z[p, q] + conj(Z[-p, q])) / 2        in an edge column
                inner Z[p, q]                              elsewhere

with `edge` and `inner` the factor of the norm, times the column's weight where the caller wants one.
"""

from specframe.backend.kernel import Kernel

EDGES = Kernel("edges", """
extern "C" __global__ void edges(const real *Z, real *out, long long P, long long Q, long long line, long long W,
                                 real edge, real inner) {
    EACH(i, P * Q * line) {                                  // line = batch * channels
        long long q = i / line % Q, p = i / (line * Q);
        real re = Z[2 * i], im = Z[2 * i + 1];
        if (q == 0 || 2 * q == W) {
            long long mirror = i + ((p ? P - p : 0) - p) * Q * line;
            re = edge * (real)0.5 * (re + Z[2 * mirror]);
            im = edge * (real)0.5 * (im - Z[2 * mirror + 1]);
        } else {
            re *= inner;
            im *= inner;
        }
        out[2 * i] = re;
        out[2 * i + 1] = im;
    }
}
""")  # fmt: skip
