"""Exercise 12: a bias lives in one bin. The solution.

Only the entries (0, 0, n, c) of Z depend on b[c], each with the slope sqrt(P W), and b is real:

    dL = sum_n Re(conj(g[0, 0, n, c]) sqrt(P W) db[c]),        gb = sqrt(P W) sum_n Re g[0, 0, n, c]

That is the sum over all points of space after all: if g came from a map, g = m rfft2(gy) by chapter 3, then sqrt(P W)
times its bin (0, 0) is the sum of gy. The sum over all *bins* is something else, by the inverse transform: sqrt(P W)
times the value of gy at one corner.
"""

import math

import specframe as sf


class Bias(sf.Op):
    name = "bias"

    @staticmethod
    def forward(ctx, Y, b, grid):
        ctx.grid = grid
        Z = Y.copy()
        Z[0, 0] += b * math.sqrt(grid[0] * grid[1])
        return Z

    @staticmethod
    def backward(ctx, g):
        gb = math.sqrt(ctx.grid[0] * ctx.grid[1]) * g[0, 0].real.sum(axis=0)
        return g, gb
