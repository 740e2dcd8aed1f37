"""Sums and factors by channel, of maps (rows, cols, batch, channels) and of the parts of spectra.

The channels are the last axis and often a short one, over which NumPy's loops are slow. So an array is read as lines
of `batch * channels` entries, one a place, and a number for each channel is repeated along the line. What takes several
passes goes piece by piece, which is still in the cache for the next pass.
"""


def lines(x):
    """(rows, cols, batch, channels) -> (rows, cols, batch * channels)"""
    return x.reshape(*x.shape[:2], -1)


def along(xp, numbers, batch):
    """(channels,) -> (batch * channels,)"""
    return xp.tile(numbers, batch)


def by_channel(sums, channels):
    """(batch * channels,) -> (channels,): the sum over the batch."""
    return sums.reshape(-1, channels).sum(axis=0)


def channel_sums(b, of, *maps):
    """Per channel, the sums over rows, columns and batch of the arrays that `of` makes of (pieces of) the maps' lines.

    In double precision but for the sums along a row: one float32 addition a place would lose a digit. An array is done
    with before `of` is asked for the next one.
    """
    channels, maps, sums = maps[0].shape[3], [lines(x) for x in maps], 0
    for piece in b.pieces(maps[0]):
        rows = (z.sum(axis=1).reshape(-1, channels) for z in of(*(x[piece] for x in maps)))
        sums = sums + b.xp.stack([row.sum(axis=0, dtype="float64") for row in rows])
    return sums


def shift_and_scale(b, x, less, times, plus, out=None):
    """(x - less) times + plus, three numbers a channel, as a new map or in `out`, which may be x."""
    out = b.xp.empty(x.shape, x.dtype) if out is None else out
    less, times, plus = (along(b.xp, numbers, x.shape[2]) for numbers in (less, times, plus))
    source, target = lines(x), lines(out)
    for piece in b.pieces(source):
        here = target[piece]
        b.xp.subtract(source[piece], less, out=here)
        here *= times
        here += plus
    return out
