"""detach: the numbers of a tensor without its gradient; and NumPy's functions, which see tensors that way.

    forward    y = x
    backward   none: whatever comes after takes y for a constant

So nothing is recorded.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from specframe.op import check_tensors
from specframe.recording import current
from specframe.tensor import Tensor

SHAPE_ONLY = (np.empty_like, np.zeros_like, np.ones_like, np.full_like)


def detach(x: Tensor) -> Tensor:
    """A tensor of the same array (not a copy) that requires no gradient."""
    check_tensors("detach", x)
    y = Tensor(x.data)
    y.spectrum = x.spectrum
    return y


def call_numpy(function: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """A function of NumPy's with arrays in the place of Tensors: what NumPy calls for `np.argmax(x)`.

    Raises
    ------
    TypeError
        A tape is recording, and does not see how the numbers of the result depend on a Tensor that requires a gradient.
    """
    tensors = []

    def array(value: Any) -> Any:
        if isinstance(value, Tensor):
            tensors.append(value)
            return np.asarray(value)
        return type(value)(map(array, value)) if type(value) in (list, tuple) else value

    result = function(*map(array, args), **{name: array(value) for name, value in kwargs.items()})
    recording = current() is not None and not current().silent
    if recording and any(x.requires_grad for x in tensors) and function not in SHAPE_ONLY and _has_gradient(result):
        raise TypeError(
            f"np.{function.__name__}: the tape does not see it, and the gradient would be lost; "
            "use the Tensor's method or sf.ops, or give it x.detach()"
        )
    return result


def _has_gradient(result: Any) -> bool:
    if isinstance(result, list | tuple):
        return any(map(_has_gradient, result))
    return isinstance(result, np.ndarray | np.generic) and result.dtype.kind in "fc"
