"""Exercise 23: what a format costs. The solution.

    csr     item nnz + 4 nnz + 4 (rows + 1)
    mask    item nnz + ceil(filled cols / 8) + ceil(rows / 8), the last only if some row is empty

For many columns csr's 4 (rows + 1) does not count. Per entry of the matrix, at density d and 8 bytes:

    csr 12 d,    mask 8 d + 1/8,    dense 8

    8 d + 1/8 = 12 d    d = 1/32        a bit an entry is cheaper than 32 bits a value from one value in 32 on
    8 d + 1/8 = 8       d = 63/64       the bit is the only thing that mask can lose
"""

MASK_BEATS_CSR_FROM = 1 / 32
DENSE_BEATS_MASK_FROM = 63 / 64


def csr_bytes(rows, nnz, item):
    """Values, a column of four bytes for each, and where each row begins: four bytes, one more for the end."""
    return (item + 4) * nnz + 4 * (rows + 1)


def mask_bytes(rows, cols, filled, nnz, item):
    """Values, and bits that say where they are."""
    return item * nnz + -(-filled * cols // 8) + (-(-rows // 8) if filled < rows else 0)
