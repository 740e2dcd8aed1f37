"""The column weights of a half spectrum, on a device."""

from typing import Any

from specframe.backend import constant
from specframe.spectrum import column_weights


@constant
def weights_on(b: Any, W: int, real: Any) -> Any:
    """m, (Q, 1, 1), on the device of `b`."""
    return b.asarray(column_weights(W, real)[:, None, None])
