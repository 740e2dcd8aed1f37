"""Tensor: an array, its gradient, and where it came from.

The gradient convention, for the whole framework: the gradient of a real scalar L with respect to a complex array is

    g = dL/dRe + i dL/dIm

and the inner product is Re(sum(conj(a) b)). Under it every linear op is differentiated by its adjoint, without
factors of 1/2, and gradient descent is x - lr * g for real and complex x alike.
"""

import itertools

import numpy as np

from specframe import backend

_uids = itertools.count()


class Tensor:
    """An array on the CPU or the GPU that can take part in a tape.

    Parameters
    ----------
    array : array or nested sequence
        NumPy or CuPy array of float32, float64, complex64, complex128 (or integers, for labels). Not copied.
    requires_grad : bool
        Whether `Tape.backward` fills `.grad`.

    Attributes
    ----------
    data : the array            grad : None, or an array like it; gradients add up until you clear it
    spectrum : a `Spectrum` where the array is a half spectrum, else None

    Raises
    ------
    TypeError
        For arrays that hold no numbers, or integers that require a gradient.

    >>> Tensor([1.0, 2.0], requires_grad=True)
    Tensor((2,), float64, cpu, requires_grad=True)
    """

    __slots__ = ("__weakref__", "data", "grad", "recipe", "requires_grad", "spectrum", "uid")
    __array_ufunc__ = None  # so that `array * tensor` calls Tensor.__rmul__, not one multiplication an entry

    def __init__(self, array, requires_grad=False):
        if isinstance(array, Tensor):
            raise TypeError("Tensor: got a Tensor; pass its .data to make a new leaf of the same array")
        if isinstance(array, int | float | complex | list | tuple | np.generic):
            array = np.asarray(array)
        if array is None:
            raise TypeError("Tensor: expected a NumPy or CuPy array, got NoneType")
        backend.of("Tensor", array)
        if array.dtype.kind not in "fcui":
            raise TypeError(f"Tensor: expected an array of numbers, got dtype {array.dtype}")
        if requires_grad and array.dtype.kind not in "fc":
            raise TypeError(f"Tensor: only floating-point arrays can require a gradient, got {array.dtype}")
        self.data = array
        self.requires_grad = requires_grad
        self.grad = None
        self.spectrum = None
        self.recipe = None  # how to make the array again from something that is kept anyway; set by the engine
        self.uid = next(_uids)  # never reused, so the tape can name values without holding them

    shape = property(lambda self: self.data.shape)
    dtype = property(lambda self: self.data.dtype)
    ndim = property(lambda self: self.data.ndim)
    size = property(lambda self: self.data.size)

    @property
    def backend(self):
        return backend.of("Tensor", self.data)

    @property
    def device(self):
        """ "cpu" or "cuda"."""
        return self.backend.name

    def numpy(self):
        """The content as a NumPy array; on the CPU the array itself, from a GPU a copy."""
        return self.backend.to_host(self.data)

    def item(self):
        """The content of a one-element tensor as a Python number."""
        return self.numpy().item()

    def __len__(self):
        return len(self.data)

    def __repr__(self):
        grad = ", requires_grad=True" if self.requires_grad else ""
        return f"{type(self).__name__}({self.shape}, {self.dtype}, {self.device}{grad})"
