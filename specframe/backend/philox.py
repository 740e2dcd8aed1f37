"""Random numbers from a key, entry by entry: NumPy's Philox4x64-10, so that every device draws what the CPU draws.

Block n of the stream is the counter n + 1 after ten rounds, four words of 64 bits. An entry in double precision takes
the upper 53 bits of one word, an entry in single precision the upper 24 of half a word, the lower half first.
"""

from specframe.backend.kernel import Kernel

UNIFORM = Kernel("uniform", """
__device__ void philox(unsigned long long block, unsigned long long k0, unsigned long long k1, unsigned long long *c) {
    c[0] = block + 1; c[1] = c[2] = c[3] = 0;
    for (int round = 0; round < 10; round++) {
        unsigned long long low0 = 0xD2E7470EE14C6C93ULL * c[0], high0 = __umul64hi(0xD2E7470EE14C6C93ULL, c[0]);
        unsigned long long low1 = 0xCA5A826395121157ULL * c[2], high1 = __umul64hi(0xCA5A826395121157ULL, c[2]);
        c[0] = high1 ^ c[1] ^ k0; c[1] = low1;
        c[2] = high0 ^ c[3] ^ k1; c[3] = low0;
        k0 += 0x9E3779B97F4A7C15ULL; k1 += 0xBB67AE8584CAA73BULL;
    }
}

extern "C" __global__ void uniform(real *out, long long n, unsigned long long k0, unsigned long long k1) {
    const int words = sizeof(real) / 4, in_block = 8 / words;  // entries of a block: 8 single, 4 double
    EACH(block, (n + in_block - 1) / in_block) {
        unsigned long long c[4];
        philox(block, k0, k1, c);
        for (int j = 0; j < in_block && block * in_block + j < n; j++)
            out[block * in_block + j] = words == 2
                ? (real)((c[j % 4] >> 11) * (1.0 / 9007199254740992.0))
                : (real)(((c[j / 2] >> (j % 2 * 32) & 0xFFFFFFFFULL) >> 8) * (1.0f / 16777216.0f));
    }
}
""")  # fmt: skip
