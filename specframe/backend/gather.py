"""compress and expand after a running count of the mask: one kernel each, no temporary of the array's size.

    position[i] = how many trues stand in mask[0 .. i]

    compress   values[position[i] - 1] = array[i]                     where mask[i]
    expand     array[i] = values[position[i] - 1] where mask[i], else 0

An entry is `parts` reals: one of 4 or 8 bytes, or a complex number's two.
"""

from specframe.backend.kernel import Kernel

COMPRESS = Kernel("compress", """
extern "C" __global__ void compress(const real *array, const bool *mask, const int *position, real *values,
                                    long long n, long long parts) {
    EACH(i, n) if (mask[i])
        for (int part = 0; part < parts; part++) values[(position[i] - 1LL) * parts + part] = array[i * parts + part];
}
""")  # fmt: skip

EXPAND = Kernel("expand", """
extern "C" __global__ void expand(const real *values, const bool *mask, const int *position, real *array,
                                  long long n, long long parts) {
    EACH(i, n)
        for (int part = 0; part < parts; part++)
            array[i * parts + part] = mask[i] ? values[(position[i] - 1LL) * parts + part] : (real)0;
}
""")  # fmt: skip

LARGEST = 2**31 - 1  # a count that fits an int


def fits(array: object) -> bool:
    """Whether the kernels take an array's entries."""
    return array.dtype.char in "fdFD" and array.size <= LARGEST  # type: ignore[attr-defined]
