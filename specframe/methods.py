"""What people type on a Tensor: `x.sum()`, `x @ w`, `x[0]`, `float(loss)`, with the meaning of NumPy's and PyTorch's.

Three kinds. What computes is the op of its name (specframe/ops says what it does), so a tape records it. Comparisons
give plain arrays of booleans. Conversions (`float`, `tolist`, print, NumPy's functions) read the numbers.
"""
# mypy: disable-error-code="no-any-return"

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from specframe import backend

if TYPE_CHECKING:
    from specframe.tensor import Tensor

Axis = int | Sequence[int] | None

ops: Any = None  # specframe.ops, which needs Tensor and so comes after it: specframe/__init__.py puts it here


def _op(name: str) -> Callable[[Any, Any], "Tensor"]:
    return lambda x, other: getattr(ops, name)(x, other)


def _reflected(name: str) -> Callable[[Any, Any], "Tensor"]:
    return lambda x, other: getattr(ops, name)(other, x)


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, object], Any]:
    def method(x: Any, other: Any) -> Any:
        other = other.data if isinstance(other, Methods) else other
        if isinstance(other, list | tuple):
            other = x.backend.asarray(other)
        if not isinstance(other, int | float | complex | np.generic):
            if not hasattr(other, "dtype"):
                return NotImplemented  # Python answers: == is False, < is a TypeError
            backend.of("comparison", x.data, other)
        return x.backend.xp.asarray(compare(x.data, other))

    return method


def _one_entry(x: Any, what: str) -> Any:
    if x.data.size != 1:
        raise ValueError(f"Tensor: {what} takes one entry, got shape {x.data.shape}")
    return x.data.item()


def _number(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: convert(_one_entry(x, f"{convert.__name__}()"))


# What people of PyTorch type next, and what does it here.
INSTEAD = {
    "backward": "the tape goes back, tape.backward(loss), after `with Tape() as tape: loss = ...`",
    "cpu": "x.to('cpu')", "cuda": "x.to('cuda')", "dim": "x.ndim", "double": "x.astype('float64')",
    "float": "x.astype('float32')", "long": "x.astype('int64')", "numel": "x.size", "permute": "x.transpose(axes)",
    "unsqueeze": "x[:, None]", "view": "x.reshape(shape)", "zero_": "x.data[...] = 0",
}  # fmt: skip


class Methods:
    """Base of Tensor: all that it can be asked."""

    __slots__ = ()
    __array_ufunc__ = None  # so that `array * tensor` calls Tensor.__rmul__, not one multiplication an entry

    data: Any
    backend: Any
    requires_grad: bool

    # ---- operators: a number or an array on the other side is a constant -----------------------------------------

    __add__, __radd__ = _op("add"), _reflected("add")
    __sub__, __rsub__ = _op("subtract"), _reflected("subtract")
    __mul__, __rmul__ = _op("multiply"), _reflected("multiply")
    __truediv__, __rtruediv__ = _op("divide"), _reflected("divide")
    __matmul__, __rmatmul__ = _op("matmul"), _reflected("matmul")
    __pow__, __getitem__ = _op("power"), _op("getitem")

    def __neg__(self) -> "Tensor":
        return ops.multiply(self, -1)

    def __abs__(self) -> "Tensor":
        return ops.abs(self)

    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __hash__ = object.__hash__  # of the tensor, not of its numbers: one may be a key

    # ---- entry by entry ------------------------------------------------------------------------------------------

    def abs(self) -> "Tensor":
        return ops.abs(self)

    def exp(self) -> "Tensor":
        return ops.exp(self)

    def log(self) -> "Tensor":
        return ops.log(self)

    def sqrt(self) -> "Tensor":
        return ops.sqrt(self)

    def tanh(self) -> "Tensor":
        return ops.tanh(self)

    def relu(self) -> "Tensor":
        return ops.relu(self)

    def clip(self, min: Any = None, max: Any = None) -> "Tensor":
        return ops.clip(self, min, max)

    # ---- over axes -----------------------------------------------------------------------------------------------

    def sum(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        return ops.sum(self, axis, keepdims)

    def mean(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        return ops.mean(self, axis, keepdims)

    def var(self, axis: Axis = None, keepdims: bool = False, correction: float = 0) -> "Tensor":
        return ops.var(self, axis, keepdims, correction)

    def max(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        return ops.max(self, axis, keepdims)

    def min(self, axis: Axis = None, keepdims: bool = False) -> "Tensor":
        return ops.min(self, axis, keepdims)

    def argmax(self, axis: int | None = None, keepdims: bool = False) -> "Tensor":
        return ops.argmax(self, axis, keepdims)

    # ---- the same numbers, otherwise arranged or elsewhere ---------------------------------------------------------

    def reshape(self, *shape: Any) -> "Tensor":
        return ops.reshape(self, *shape)

    def transpose(self, *axes: Any) -> "Tensor":
        return ops.transpose(self, *axes)

    @property
    def T(self) -> "Tensor":
        return ops.transpose(self)

    def flatten(self, start: int = 0, end: int = -1) -> "Tensor":
        return ops.flatten(self, start, end)

    def squeeze(self, axis: Axis = None) -> "Tensor":
        return ops.squeeze(self, axis)

    def to(self, device: Any) -> "Tensor":
        """On another device ("cpu", "cuda", "auto"); itself where it is there already."""
        return self if backend.get(device) is self.backend else ops.convert(self, device=device)  # type: ignore

    def astype(self, dtype: Any) -> "Tensor":
        """A copy in another precision."""
        return ops.convert(self, dtype=dtype)

    def clone(self) -> "Tensor":
        """A copy in memory of its own."""
        return ops.convert(self)

    def detach(self) -> "Tensor":
        return ops.detach(self)

    # ---- reading the numbers ---------------------------------------------------------------------------------------

    def numpy(self) -> np.ndarray[Any, Any]:
        """The content as a NumPy array; on the CPU the array itself, from a GPU a copy."""
        return self.backend.to_host(self.data)

    def item(self) -> Any:
        """The content of a one-element tensor as a Python number."""
        return _one_entry(self, "item()")

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.data.tolist()

    __bool__, __int__, __index__ = _number(bool), _number(int), _number(operator.index)
    __float__, __complex__ = _number(float), _number(complex)

    def __format__(self, spec: str) -> str:
        return format(_one_entry(self, f"the format {spec!r}"), spec) if spec else str(self)

    def __len__(self) -> int:
        if not self.data.ndim:
            raise TypeError("Tensor: a 0-d tensor has no length")
        return len(self.data)

    def __iter__(self) -> Iterator["Tensor"]:
        return (ops.getitem(self, i) for i in range(len(self)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        if not isinstance(self.data, np.ndarray):
            raise TypeError(f"Tensor: NumPy was given a tensor on {self.backend.name}; .numpy() copies it to the host")
        array = self.data if dtype is None else self.data.astype(dtype, copy=False)
        if copy is False and array is not self.data:
            raise ValueError(f"Tensor: {self.data.dtype} as {np.dtype(dtype)} needs a copy")
        return array.copy() if copy and array is self.data else array

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def __dlpack__(self, **request: Any) -> Any:
        """The array itself, for torch.from_dlpack and its kind; of one that is read-only or runs backwards, which they
        do not know, a copy."""
        array, flags = self.data, self.data.flags
        writable = flags.writeable if isinstance(array, np.ndarray) else True  # CuPy's always are
        if not writable or any(step < 0 or step % array.itemsize for step in array.strides):
            if request.get("copy") is False:
                raise BufferError(f"Tensor: read-only, or of strides {array.strides}: it cannot go without a copy")
            array = array.copy()
        return array.__dlpack__(**request)

    if not TYPE_CHECKING:  # a type checker would take it for a promise of every name

        def __getattr__(self, name: str) -> Any:
            hint = INSTEAD.get(name)
            raise AttributeError(f"Tensor has no {name!r}" + (f": {hint}" if hint else ""), name=name, obj=self)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return ops.call_numpy(function, args, kwargs)

    def __repr__(self) -> str:
        array, name = self.numpy(), type(self).__name__
        parts = [np.array2string(array, separator=", ", prefix=f"{name}(")]
        if array.size == 0 or array.size > np.get_printoptions()["threshold"]:
            parts.append(f"shape={array.shape}")  # else one sees it
        if array.dtype not in (np.int64, np.float64, np.complex128):
            parts.append(f"dtype={array.dtype}")
        if self.backend.name != "cpu":
            parts.append(f"device={self.backend.name!r}")
        if self.requires_grad:
            parts.append("requires_grad=True")
        return f"{name}({', '.join(parts)})"
