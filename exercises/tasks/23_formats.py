"""Exercise 23: what a format costs.

An array seen as a matrix: `rows` (the frequencies) and `cols` (images times channels), `nnz` entries that are not
zero, in `filled` of the rows, `item` bytes an entry. Write the bytes that the formats csr and mask take (chapter 9),
exactly.

Then, for complex64 (8 bytes), many columns and no empty row: at which density nnz / (rows cols) does mask become
smaller than csr, and at which does dense become smaller than mask?
"""

MASK_BEATS_CSR_FROM = None
DENSE_BEATS_MASK_FROM = None


def csr_bytes(rows, nnz, item):
    """Values, a column of four bytes for each, and where each row begins: four bytes, one more for the end."""
    raise NotImplementedError("the bytes of csr")


def mask_bytes(rows, cols, filled, nnz, item):
    """Values, and bits that say where they are."""
    raise NotImplementedError("the bytes of mask")
