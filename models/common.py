"""What several networks need: their spatial layer, scaled channel counts, settings that differ from stage to stage."""

from specframe import ops
from specframe.layers import BatchNorm2d, Conv2d, Module


class ConvNormAct(Module):
    """The layer of a spatial net: "same" convolution, (batch normalisation), activation.

    Parameters
    ----------
    c_in, c_out, kernel_size, stride : as in Conv2d. The samples of a stride start at the first row and column, as
        those of a decimated spectrum do.
    activation : "relu", "leaky_relu" or "tanh"
    batch_norm : bool; the convolution then has no bias, the normalisation's takes its place
    rng, dtype : as in Conv2d
    """

    def __init__(self, c_in, c_out, kernel_size, stride, activation, batch_norm, rng, dtype):
        self.conv = Conv2d(c_in, c_out, kernel_size, stride, "same", not batch_norm, rng=rng, dtype=dtype)
        self.norm = BatchNorm2d(c_out, dtype=dtype) if batch_norm else None
        self.activation = getattr(ops, activation)

    def forward(self, x):
        x = self.conv(x)
        x = self.norm(x) if self.norm is not None else x
        return self.activation(x)


def scaled(channels, width):
    """`channels` times `width`, at least 1."""
    return max(1, round(channels * width))


def per_stage(name, value, count):
    """A list of `count` numbers from one number or from as many.

    Raises
    ------
    ValueError
        Another number of them.
    """
    if not isinstance(value, list | tuple):
        return [value] * count
    if len(value) != count:
        raise ValueError(f"{name}: expected one number or {count}, got {len(value)}")
    return list(value)


def settled(given, defaults):
    """The settings of a spectral net, in the order of the dict `defaults`: those given, the default for each None."""
    return [default if value is None else value for value, default in zip(given, defaults.values(), strict=True)]


def check_batch_norm(batch_norm, net):
    """Refuse what is no kind of batch normalisation of a spectral net; returns what its blocks have inside."""
    if batch_norm not in ("pool", "spectral", "none"):
        raise ValueError(f"{net}: unknown batch_norm {batch_norm!r}, expected 'pool', 'spectral' or 'none'")
    return "spectral" if batch_norm == "spectral" else None


def check_stages(spectral_stages, count, net):
    """Refuse what is no number of stages, of `count`, that work in the spectrum."""
    if not 0 <= spectral_stages <= count:
        raise ValueError(f"{net}: spectral_stages must be 0 to {count}, got {spectral_stages}")
