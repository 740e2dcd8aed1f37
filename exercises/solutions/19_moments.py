"""Exercise 19: mean and variance without leaving the spectrum. The solution.

Bin (0, 0) is the sum of the map over sqrt(P W), so the mean of a map is Y[0, 0] / sqrt(P W).

Parseval, in the ortho norm: the sum of y^2 over the grid is the sum of |Y|^2 over all P W bins. Of these, the columns
1 .. (W-1)//2 have mirror images that are not stored, of the same modulus: they count twice, column 0 and column W/2
of an even W once. So energy = sum m |Y|^2 / (P W batch).

The variance is the mean of (y - mean)^2. To take the mean off y is to take mean * sqrt(P W) off bin (0, 0), for each
image the *same* number: what differs between the images' means belongs to the variance. After that nothing cancels.
"""

import numpy as np


def moments(Y, grid):
    """(mean, variance), two arrays (channels,)."""
    (P, W), batch = grid, Y.shape[2]
    d = np.sqrt(P * W)
    mean = Y[0, 0].real.mean(axis=0) / d
    centred = Y.copy()
    centred[0, 0] -= mean * d
    m = np.full((W // 2 + 1, 1, 1), 2.0)
    m[0] = 1
    if W % 2 == 0:
        m[-1] = 1
    return mean, np.sum(m * abs(centred) ** 2, axis=(0, 1, 2)) / (P * W * batch)
