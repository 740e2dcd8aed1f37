"""Chapter 9, the store: exercises 23 and 24."""

from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import Wrong, exactly, filled, same
from specframe.exercises.differences import normal
from specframe.saving import get_store


@exercise(23, "formats", chapter=9, stars=2, minutes=20, hint="""
    csr: values, one column number a value, and where each row begins and the last one ends. mask: values, a bit for
    every entry of the rows that hold anything, and, only if some rows hold nothing, a bit a row that says which. Bits
    are packed eight to a byte, and each kind is rounded up by itself.""")  # fmt: skip
def check_23(mine: Any) -> str:
    rng = np.random.default_rng(0)
    for shape in ((4, 3, 2, 5), (7, 4, 1, 3), (6, 11), (1, 1, 3, 3)):
        for density in (0.0, 0.05, 0.3, 1.0):
            for dtype in (np.complex64, np.float64):
                array = np.where(rng.random(shape) < density, normal(rng, *shape), 0).astype(dtype)
                rows = shape[0] * shape[1] if len(shape) == 4 else shape[0]
                matrix = array.reshape(rows, -1)
                filled_rows, nnz = int(matrix.any(axis=1).sum()), int(np.count_nonzero(matrix))
                about = f"of {rows} rows and {matrix.shape[1]} columns ({filled_rows} rows filled, {nnz} entries)"
                csr = mine.csr_bytes(rows, nnz, array.itemsize)
                exactly(f"csr_bytes {about}", csr, sum(get_store("csr").pack(array).bytes))
                mask = mine.mask_bytes(rows, matrix.shape[1], filled_rows, nnz, array.itemsize)
                exactly(f"mask_bytes {about}", mask, sum(get_store("mask").pack(array).bytes))
    from_csr, to_dense = (_crossing(pair) for pair in (("csr", "mask"), ("mask", "dense")))
    same("MASK_BEATS_CSR_FROM", np.asarray(filled(mine, "MASK_BEATS_CSR_FROM")), np.asarray(from_csr), 1e-3)
    same("DENSE_BEATS_MASK_FROM", np.asarray(filled(mine, "DENSE_BEATS_MASK_FROM")), np.asarray(to_dense), 1e-3)
    return "the bytes are those of the store, for 32 arrays; the formats cross at 1/32 and 63/64"


def _crossing(stores: tuple[str, str]) -> float:
    """The density from which on the second store is the smaller one, for complex64 with no empty row: by bisection."""
    rows, cols = 2, 65536
    low, high = 2, rows * cols
    while high - low > 1:
        nnz = (low + high) // 2
        array = np.zeros((cols, rows), np.complex64)
        array.reshape(-1)[:nnz] = 1
        one, other = (sum(get_store(store).pack(np.ascontiguousarray(array.T)).bytes) for store in stores)
        low, high = (low, nnz) if other <= one else (nnz, high)
    return high / (rows * cols)


@exercise(24, "lossless", chapter=9, stars=2, minutes=15, hint="""
    -0.0 == 0 is true, and 1 / -0.0 is not 1 / 0.0. An entry may be left out only if *all its bits* are zero. A NumPy
    array can be looked at as other numbers of the same bytes: array.view(np.uint8).""")  # fmt: skip
def check_24(mine: Any) -> str:
    rng = np.random.default_rng(0)
    special = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-45, 5e-324, 1.0]
    for dtype in (np.float32, np.float64, np.complex64, np.complex128):
        mixed = np.array(special * 2 + [0.0] * 5).astype(dtype)
        if mixed.dtype.kind == "c":
            mixed[1], mixed[9] = complex(0.0, -0.0), complex(-0.0, 0.0)
        sparse = np.where(rng.random((4, 3, 5)) < 0.3, normal(rng, 4, 3, 5), 0).astype(dtype)
        for array in (mixed, sparse, np.zeros((3, 5), dtype), np.zeros((0, 2), dtype)):
            _round_trip(mine, array)
    return "every bit comes back, of -0.0, NaN and infinities too, for four types, at a value and a bit an entry"


def _round_trip(mine: Any, array: Any) -> None:
    shape, bits, values = mine.pack(array.copy())
    back = np.asarray(mine.unpack(shape, bits, values))
    if back.dtype != array.dtype or back.shape != array.shape:
        raise Wrong(f"{array.dtype} of shape {array.shape} comes back as {back.dtype} of shape {back.shape}")
    was, now = (np.frombuffer(a.tobytes(), np.uint8).reshape(a.size, a.itemsize) for a in (array, back))
    changed = np.flatnonzero((was != now).any(axis=1))
    if changed.size:
        i = changed[0]
        raise Wrong(f"the {array.dtype} {array.reshape(-1)[i]!s} comes back as {back.reshape(-1)[i]!s}")
    exactly(f"bits, of {array.size} entries,", bits.nbytes, -(-array.size // 8))
    exactly("values", values.nbytes, array.itemsize * int(was.any(axis=1).sum()))
