"""What the windows of a convolution see, as matrices whose products with the kernel are the convolution.

    x (rows_in, cols_in, batch, c_in), zero outside    kernel kr x kc    windows at r s - top, c t - left

    patches[r][(c, n), (i, j, a)] = x[r s - top + i, c t - left + j, n, a]

    with k as a (kr kc c_in, c_out) matrix      y[r] = patches[r] @ k
                                                gk   = sum_r patches[r]^T @ gy[r]

Only the kc shifts along a row are copied, not all kr kc: they are laid out (cols, batch, rows, kc, c_in), so that the
kr rows of a window follow each other in memory, and the matrices of neighbouring output rows are overlapping views of
one copy. Rows of padding are left out, with their part of the sum over i. The copy holds a band of rows at a time.
"""

BAND_ENTRIES = 1 << 19  # entries of the copy at a time, 2 MB of float32: a core's second-level cache


class Windows:
    """Windows of `kernel` = (kr, kc), `size` = (rows, cols) of them, `stride` = (s, t), the first at (-top, -left)."""

    def __init__(self, size, kernel, stride, top, left):
        (self.rows, self.cols), (self.kr, self.kc), self.stride = size, kernel, stride
        self.top, self.left = top, left

    def patches(self, xp, x):
        """For each r in turn: r, which of the (i, j, a) its matrix has, and the matrix, valid until the next.

        The matrix is (cols * batch, kr' * kc * c_in): of the kr rows, the kr' that lie inside x.
        """
        rows_in, _, batch, c_in = x.shape
        line, s = self.kc * c_in, self.stride[0]
        most = min(rows_in, max(self.kr, BAND_ENTRIES // max(1, self.cols * batch * line)))
        step = self.rows if most == rows_in else (most - self.kr) // s + 1
        band = xp.empty((self.cols, batch, most, self.kc, c_in), x.dtype)
        first = last = 0  # rows of x that the band holds: first .. last - 1
        for r in range(self.rows):
            top = r * s - self.top
            start, stop = (min(max(row, 0), rows_in) for row in (top, top + self.kr))
            if stop > last:
                below = (min(r + step, self.rows) - 1) * s - self.top + self.kr
                below = min(below, rows_in)
                shared = max(last - start, 0)  # rows that this band has in common with the one before
                band[:, :, :shared] = band[:, :, start - first : last - first].copy()  # they may overlap
                self._cut(x[start + shared : below], band[:, :, shared : below - start])
                first, last = start, below
            inside = band[:, :, start - first : stop - first].reshape(self.cols * batch, (stop - start) * line)
            yield r, slice((start - top) * line, (stop - top) * line), inside

    def _cut(self, x, out):
        """out[c, n, r, j] = x[r, c t - left + j, n], zero where there is no such column."""
        cols_in, t = x.shape[1], self.stride[1]
        for j in range(self.kc):
            shift = j - self.left
            start = min(max(0, -(shift // t)), self.cols)
            stop = min(max(start, (cols_in - 1 - shift) // t + 1), self.cols)
            out[:start, :, :, j] = 0
            out[start:stop, :, :, j] = x[:, start * t + shift : (stop - 1) * t + shift + 1 : t].transpose(1, 2, 0, 3)
            out[stop:, :, :, j] = 0
