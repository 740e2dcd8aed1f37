"""Tensor: an array, its gradient, and where it came from. What people type on it is in methods.py.

The gradient convention, for the whole framework: the gradient of a real scalar L with respect to a complex array is

    g = dL/dRe + i dL/dIm

and the inner product is Re(sum(conj(a) b)). Under it every linear op is differentiated by its adjoint, without
factors of 1/2, and gradient descent is x - lr * g for real and complex x alike.
"""

import itertools
import operator
from typing import Any

import numpy as np

from specframe import arrays, backend
from specframe.methods import Methods

_uids = itertools.count()


def _holding(slot: str) -> Any:
    """A property for an array, as in `w.data = w.data - lr * w.grad`."""
    return property(operator.attrgetter(slot), lambda tensor, value: setattr(tensor, slot, arrays.array(value)))


class Tensor(Methods):
    """An array on the CPU or the GPU that can take part in a tape.

    Parameters
    ----------
    array : array or nested sequence
        NumPy or CuPy array of float32, float64, complex64, complex128 (or integers, for labels). Not copied, unless its
        byte order is not this machine's.
    requires_grad : bool
        Whether `Tape.backward` fills `.grad`.

    Attributes
    ----------
    data : the array            grad : None, or an array like it; gradients add up until you clear it
    spectrum : a `Spectrum` where the array is a half spectrum, else None

    Raises
    ------
    TypeError
        For arrays that hold no numbers or more than numbers (masked arrays, matrices), Tensors and lists of them, or
        integers that require a gradient.

    >>> Tensor([1.0, 2.0], requires_grad=True)
    Tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ("__weakref__", "_data", "_grad", "recipe", "requires_grad", "spectrum", "uid")

    def __init__(self, array: Any, requires_grad: bool = False) -> None:
        self._data, self._grad = arrays.taken(array, requires_grad), None
        self.requires_grad = requires_grad
        self.spectrum: Any = None
        self.recipe: Any = None  # how to make the array again from something that is kept anyway; set by the engine
        self.uid = next(_uids)  # never reused, so the tape can name values without holding them

    # A copy, however it is made (copy, pickle, another process), is another tensor to every tape.

    def __getstate__(self) -> dict[str, Any]:
        kept = {name: getattr(self, name) for name in ("data", "grad", "requires_grad", "spectrum")}
        return kept | getattr(self, "__dict__", {})  # a subclass may have more

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self.recipe, self.uid = None, next(_uids)

    data, grad = _holding("_data"), _holding("_grad")
    shape: tuple[int, ...] = property(operator.attrgetter("_data.shape"))  # type: ignore[assignment]
    dtype: np.dtype[Any] = property(operator.attrgetter("_data.dtype"))  # type: ignore[assignment]
    ndim: int = property(operator.attrgetter("_data.ndim"))  # type: ignore[assignment]
    size: int = property(operator.attrgetter("_data.size"))  # type: ignore[assignment]

    @property
    def backend(self) -> backend.Backend:
        return backend.of("Tensor", self.data)

    @property
    def device(self) -> str:
        """ "cpu" or "cuda"."""
        return self.backend.name
