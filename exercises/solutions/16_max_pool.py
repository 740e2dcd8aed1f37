"""Exercise 16: who won? The solution.

Where one entry is the largest, y is that entry in a whole neighbourhood: its gradient is g, that of the others 0. Where
some are equal there is a corner, and no derivative. Any *one* of them is a fair choice (moving it up moves y), or equal
shares that add up to one; but not one each: sum(gx) would be larger than sum(gy).

The first of equals: np.argmax says so. The backward needs nothing but the winner, a number from 0 to 3, two bits; x
and y are 64 bits for each entry.
"""

import numpy as np

import specframe as sf


def entries(x):
    """The four entries of all windows, in row order: (4, rows / 2, cols / 2, batch, channels)."""
    return np.stack([x[::2, ::2], x[::2, 1::2], x[1::2, ::2], x[1::2, 1::2]])


class MaxPool(sf.Op):
    name = "max_pool"

    @staticmethod
    def forward(ctx, x):
        windows = entries(x)
        ctx.save_bits(levels=4, winner=windows.argmax(axis=0))
        return windows.max(axis=0)

    @staticmethod
    def backward(ctx, g):
        winner = ctx["winner"].dense()
        gx = np.empty((2 * g.shape[0], 2 * g.shape[1], *g.shape[2:]))
        for i in range(4):
            gx[i // 2 :: 2, i % 2 :: 2] = np.where(winner == i, g, 0)
        return gx
