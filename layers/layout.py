"""What an input looks like when it is not what a layer was made for, in one sentence."""

from typing import Any

from specframe.tensor import Tensor


def check_maps(layer: object, x: Tensor, weight: Tensor, channels: int) -> None:
    """Refuse maps whose channels are in the second axis, where others keep them, and maps of another precision."""
    if x.ndim == 4 and x.shape[3] != channels == x.shape[1]:
        raise ValueError(
            f"{_name(layer)}: expected maps (rows, cols, batch, {channels}), got {x.shape}, which looks like (batch, "
            "channels, rows, cols): channels are the last axis here, transpose (2, 3, 0, 1)"
        )
    check_precision(layer, x, weight)


def check_precision(layer: object, x: Tensor, weight: Tensor) -> None:
    """Refuse real numbers of another precision than the layer's."""
    if x.dtype != weight.dtype and x.dtype.kind == "f":
        raise ValueError(
            f"{_name(layer)}: the weights are {weight.dtype}, the input is {x.dtype}: convert it with astype, or make "
            f"the layer with dtype={str(x.dtype)!r}"
        )


def _name(layer: Any) -> str:
    return type(layer).__name__
