"""What several networks need: their spatial layer, scaled channel counts, settings that differ from stage to stage."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from numpy.typing import DTypeLike

from specframe import ops
from specframe.layers import BatchNorm2d, Conv2d, Module
from specframe.layers.checks import is_whole
from specframe.layers.init import Seed
from specframe.tensor import Tensor

ACTIVATIONS = {"relu": ops.relu, "leaky_relu": ops.leaky_relu, "tanh": ops.tanh}


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

    def __init__(
        self, c_in: int, c_out: int, kernel_size: int, stride: int, activation: str, batch_norm: bool, rng: Seed,
        dtype: DTypeLike,
    ) -> None:  # fmt: skip
        if activation not in ACTIVATIONS:
            raise ValueError(f"unknown activation {activation!r} of a spatial net, choose {', '.join(ACTIVATIONS)}")
        self.conv = Conv2d(c_in, c_out, kernel_size, stride, "same", not batch_norm, rng=rng, dtype=dtype)
        self.norm = BatchNorm2d(c_out, dtype=dtype) if batch_norm else None
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.norm(x) if self.norm is not None else x
        return self.activation(x)


# ---- settings --------------------------------------------------------------------------------------------------


def scaled(channels: int, width: float) -> int:
    """`channels` times `width`, at least 1."""
    return max(1, round(channels * width))


def per_stage(name: str, value: Any, count: int) -> list[Any]:
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


def settled(given: Iterable[Any], defaults: Mapping[str, Any]) -> list[Any]:
    """The settings of a spectral net, in the order of the dict `defaults`: those given, the default for each None."""
    return [default if value is None else value for value, default in zip(given, defaults.values(), strict=True)]


def check_batch_norm(batch_norm: str, net: str) -> str | None:
    """Refuse what is no kind of batch normalisation of a spectral net; returns what its blocks have inside."""
    if batch_norm not in ("pool", "spectral", "none"):
        raise ValueError(f"{net}: unknown batch_norm {batch_norm!r}, expected 'pool', 'spectral' or 'none'")
    return "spectral" if batch_norm == "spectral" else None


def check_stages(spectral_stages: int, count: int, net: str) -> None:
    """Refuse what is no number of stages, of `count`, that work in the spectrum."""
    if not (is_whole(spectral_stages, 0) and spectral_stages <= count):
        raise ValueError(f"{net}: spectral_stages must be 0 to {count}, got {spectral_stages}")


# ---- images ----------------------------------------------------------------------------------------------------


def check_size(net: Module, size: Any, least: int) -> None:
    """Refuse images that are too small for the poolings of a net, or of a size that is no number."""
    if not is_whole(size, 0):
        raise ValueError(f"{type(net).__name__}: image_size is a whole number, of rows and of columns, got {size!r}")
    if size < least:
        raise ValueError(f"{type(net).__name__}: images must have at least {least} rows and columns, got {size}")


def check_images(net: Module, x: Tensor, channels: int, size: int, side: Callable[[int], int]) -> None:
    """Refuse images that the classifier of a net for `size` x `size` cannot read.

    side(n) is how many rows are left of n at the end. Maps of other channels are left to the first layer.
    """
    if x.ndim == 4 and x.shape[3] == channels and {side(n) for n in x.shape[:2]} != {side(size)}:
        raise ValueError(
            f"{type(net).__name__}: made for images of {size} x {size} (image_size), got {x.shape[0]} x {x.shape[1]}"
        )
