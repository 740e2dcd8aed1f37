/* What CuPy calls of cuBLAS and cuFFT for us, on host memory, as their manuals describe it: sums, one after the other.

   Built three times by cupy_driver.py, with -DBLAS, -DFFT or neither: libcublas, libcufft, libcublasLt. */

#include <complex.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef float complex fcomplex;
typedef double complex dcomplex;

#ifdef BLAS
/* C = alpha op(A) op(B) + beta C for each of a batch, matrices by columns; op: 0 as it is, 1 transposed, 2 adjoint. */
#define SAME(z) (z)
#define GEMM(S, T, conjugate)                                                                                      \
    static void product_##S(int op_a, int op_b, int m, int n, int k, const T *alpha, const T *A, int lda, long sa,  \
                            const T *B, int ldb, long sb, const T *beta, T *C, int ldc, long sc, int batch) {       \
        for (int q = 0; q < batch; q++, A += sa, B += sb, C += sc)                                                  \
            for (int i = 0; i < m; i++)                                                                             \
                for (int j = 0; j < n; j++) {                                                                       \
                    T sum = 0;                                                                                      \
                    for (int p = 0; p < k; p++) {                                                                   \
                        T a = op_a ? A[p + (long)i * lda] : A[i + (long)p * lda];                                   \
                        T b = op_b ? B[j + (long)p * ldb] : B[p + (long)j * ldb];                                   \
                        sum += (op_a == 2 ? conjugate(a) : a) * (op_b == 2 ? conjugate(b) : b);                     \
                    }                                                                                               \
                    T *c = C + i + (long)j * ldc;                                                                   \
                    *c = *alpha * sum + (*beta == 0 ? 0 : *beta * *c);                                              \
                }                                                                                                   \
    }                                                                                                               \
    int cublas##S##gemmStridedBatched(void *handle, int op_a, int op_b, int m, int n, int k, const T *alpha,        \
                                      const T *A, int lda, long long sa, const T *B, int ldb, long long sb,         \
                                      const T *beta, T *C, int ldc, long long sc, int batch) {                      \
        product_##S(op_a, op_b, m, n, k, alpha, A, lda, sa, B, ldb, sb, beta, C, ldc, sc, batch);                   \
        return 0;                                                                                                   \
    }                                                                                                               \
    int cublas##S##gemm_v2(void *handle, int op_a, int op_b, int m, int n, int k, const T *alpha, const T *A,       \
                           int lda, const T *B, int ldb, const T *beta, T *C, int ldc) {                            \
        product_##S(op_a, op_b, m, n, k, alpha, A, lda, 0, B, ldb, 0, beta, C, ldc, 0, 1);                          \
        return 0;                                                                                                   \
    }
GEMM(S, float, SAME)
GEMM(D, double, SAME)
GEMM(C, fcomplex, conjf)
GEMM(Z, dcomplex, conj)

int cublasGemmStridedBatchedEx(void *handle, int op_a, int op_b, int m, int n, int k, const void *alpha, const void *A,
                               int type, int lda, long long sa, const void *B, int type_b, int ldb, long long sb,
                               const void *beta, void *C, int type_c, int ldc, long long sc, int batch, int compute,
                               int algorithm) {
    switch (type) {                                     /* cudaDataType */
        case 0: product_S(op_a, op_b, m, n, k, alpha, A, lda, sa, B, ldb, sb, beta, C, ldc, sc, batch); return 0;
        case 1: product_D(op_a, op_b, m, n, k, alpha, A, lda, sa, B, ldb, sb, beta, C, ldc, sc, batch); return 0;
        case 4: product_C(op_a, op_b, m, n, k, alpha, A, lda, sa, B, ldb, sb, beta, C, ldc, sc, batch); return 0;
        case 5: product_Z(op_a, op_b, m, n, k, alpha, A, lda, sa, B, ldb, sb, beta, C, ldc, sc, batch); return 0;
    }
    return 15;                                          /* not supported */
}
int cublasGemmEx(void *handle, int op_a, int op_b, int m, int n, int k, const void *alpha, const void *A, int type,
                 int lda, const void *B, int type_b, int ldb, const void *beta, void *C, int type_c, int ldc,
                 int compute, int algorithm) {
    return cublasGemmStridedBatchedEx(handle, op_a, op_b, m, n, k, alpha, A, type, lda, 0, B, type_b, ldb, 0, beta, C,
                                      type_c, ldc, 0, 1, compute, algorithm);
}
int cublasCreate_v2(void **handle) { *handle = malloc(1); return 0; }
int cublasDestroy_v2(void *handle) { free(handle); return 0; }
int cublasSetStream_v2(void *handle, void *stream) { return 0; }
int cublasGetVersion_v2(void *handle, int *version) { *version = 120000; return 0; }
int cublasGetMathMode(void *handle, int *mode) { *mode = 0; return 0; }
int cublasSetMathMode(void *handle, int mode) { return 0; }
int cublasGetPointerMode_v2(void *handle, int *mode) { *mode = 0; return 0; }
int cublasSetPointerMode_v2(void *handle, int mode) { return 0; }
#endif

#ifdef FFT
/* A plan of one or two axes; entry (p, q) of image b is at b * dist + (p * row + q) * stride. */
struct Layout { long row, stride, dist; };
struct Plan { int P, W, batch; struct Layout in, out; };
static struct Plan *plans;
static int count;

static dcomplex get(const void *x, long i, int is_double, int is_complex) {
    if (is_complex) return is_double ? ((dcomplex *)x)[i] : ((fcomplex *)x)[i];
    return is_double ? ((double *)x)[i] : ((float *)x)[i];
}
static void put(void *x, long i, dcomplex z, int is_double, int is_complex) {
    if (is_complex && is_double) ((dcomplex *)x)[i] = z;
    else if (is_complex) ((fcomplex *)x)[i] = z;
    else if (is_double) ((double *)x)[i] = creal(z);
    else ((float *)x)[i] = creal(z);
}
static void transform(const dcomplex *x, dcomplex *y, int n, long stride, int sign) {
    for (int k = 0; k < n; k++) {
        dcomplex sum = 0;
        for (int i = 0; i < n; i++) sum += x[i * stride] * cexp(sign * 2 * M_PI * I * ((long)k * i % n) / n);
        y[k * stride] = sum;
    }
}
/* The inverse of a half spectrum takes the edge columns for Hermitian, and leaves its input in ruins. */
static int run(int number, void *in, void *out, int is_double, int half_in, int half_out, int sign) {
    struct Plan p = plans[number];
    int P = p.P, W = p.W, Q = W / 2 + 1, real_in = half_out, real_out = half_in;
    dcomplex *x = malloc(sizeof(dcomplex) * P * W), *y = malloc(sizeof(dcomplex) * P * W);
    for (long b = 0; b < p.batch; b++) {
        for (int r = 0; r < P; r++)
            for (int c = 0; c < (half_in ? Q : W); c++) {
                long i = b * p.in.dist + (r * p.in.row + c) * p.in.stride;
                x[r * W + c] = get(in, i, is_double, !real_in);
                if (half_in) put(in, i, NAN, is_double, 1);
            }
        for (int c = 0; half_in && c < Q; c += W % 2 || W == 2 * c || W == 1 ? Q : W / 2)
            for (int r = 0; r <= P / 2; r++) {
                int mirror = (P - r) % P;
                x[r * W + c] = r == mirror ? creal(x[r * W + c]) : x[r * W + c];
                x[mirror * W + c] = conj(x[r * W + c]);
            }
        for (int r = 0; half_in && r < P; r++)
            for (int c = Q; c < W; c++) x[r * W + c] = conj(x[(P - r) % P * W + W - c]);
        for (int r = 0; r < P; r++) transform(x + r * W, y + r * W, W, 1, sign);
        for (int c = 0; c < W; c++) transform(y + c, x + c, P, W, sign);
        for (int r = 0; r < P; r++)
            for (int c = 0; c < (half_out ? Q : W); c++)
                put(out, b * p.out.dist + (r * p.out.row + c) * p.out.stride, x[r * W + c], is_double, !real_out);
    }
    free(x);
    free(y);
    return 0;
}
int cufftExecR2C(int plan, void *in, void *out) { return run(plan, in, out, 0, 0, 1, -1); }
int cufftExecD2Z(int plan, void *in, void *out) { return run(plan, in, out, 1, 0, 1, -1); }
int cufftExecC2R(int plan, void *in, void *out) { return run(plan, in, out, 0, 1, 0, 1); }
int cufftExecZ2D(int plan, void *in, void *out) { return run(plan, in, out, 1, 1, 0, 1); }
int cufftExecC2C(int plan, void *in, void *out, int sign) { return run(plan, in, out, 0, 0, 0, sign); }
int cufftExecZ2Z(int plan, void *in, void *out, int sign) { return run(plan, in, out, 1, 0, 0, sign); }

int cufftMakePlanMany(int plan, int rank, int *n, int *in, int in_stride, int in_dist, int *out, int out_stride,
                      int out_dist, int type, int batch, size_t *work) {
    if (rank != 2) return 7;                            /* an axis at a time is a plan of cufftMakePlan1d */
    plans[plan] = (struct Plan){n[0], n[1], batch, {in[1], in_stride, in_dist}, {out[1], out_stride, out_dist}};
    *work = 0;
    return 0;
}
int cufftMakePlan1d(int plan, int n, int type, int batch, size_t *work) {
    int half = n / 2 + 1, real_to_half = type == 0x2a || type == 0x6a, half_to_real = type == 0x2c || type == 0x6c;
    plans[plan] = (struct Plan){1, n, batch, {0, 1, half_to_real ? half : n}, {0, 1, real_to_half ? half : n}};
    *work = 0;
    return 0;
}
int cufftCreate(int *plan) {
    plans = realloc(plans, sizeof(struct Plan) * (count + 1));
    *plan = count++;
    return 0;
}
int cufftDestroy(int plan) { return 0; }
int cufftGetVersion(int *version) { *version = 11000; return 0; }
int cufftSetAutoAllocation(int plan, int automatic) { return 0; }
int cufftSetStream(int plan, void *stream) { return 0; }
int cufftSetWorkArea(int plan, void *area) { return 0; }
#endif
