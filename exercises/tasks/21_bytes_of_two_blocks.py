"""Exercise 21: predict the bytes, then print the ledger.

    images x       (28, 28, 16, 1)  float32, 16 images, held by the caller
    first block    X = rfft2(x) on a grid of 28 x 28, 5 x 5 kernels, threshold, tanh: Z, then irfft2      6 channels
    max-pooling    2 x 2
    second block   the same on a grid of 14 x 14                                                          16 channels
    max-pooling    2 x 2

As a program: `ops.max_pool2d(second(ops.max_pool2d(first(images))))` under `Tape(store="dense")`, which keeps every
array whole, zeros included. Predict the bytes of each array; when all are right the ledger is printed.
"""

X_OF_FIRST = None  # what the first block's X costs
Z_OF_FIRST = None
WINNER_OF_FIRST = None
X_OF_SECOND = None  # the X itself; what it is made of is the next line
POOLED_MAP = None
Z_OF_SECOND = None
WINNER_OF_SECOND = None
TOTAL = None
TOTAL_RECOMPUTED = None  # the total under Tape(store="dense", recompute="block")
