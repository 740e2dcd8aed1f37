"""A strict stand-in for CuPy, so that mistakes only CuPy would show, show on a machine without a GPU.

A `StrictArray` holds a NumPy array and behaves as a CuPy array does where the two differ:

- it never mixes with a NumPy array and never turns into one by itself;
- reductions and single entries are 0-d arrays, not scalars;
- whatever makes the host wait for the device (`float(a)`, `if a:`, `a[mask]`, `nonzero`, ...) is counted, and so are
  uploads and launches (costs.py);
- names and keywords that CuPy lacks are missing here too (compared with CuPy 14.2);
- indices beyond the end wrap, and of several entries scattered to one place any may win;
- a partition leaves a NaN anywhere;
- `empty` holds garbage, and the inverse real FFT reads the edge columns as cuFFT does;
- a copy to pinned memory has not happened until somebody waits for it, and needs its array until then.

`STRICT` is a backend made of these, known to `specframe.backend.of`. Its bodies of rfft2, irfft2, compress, expand
and the peak are the CUDA backend's own.

    with count_waits() as waits:
        ...
    assert waits() == 0
"""

import functools
import types
import weakref
from typing import ClassVar

import numpy as np
import scipy.fft
import scipy.sparse
import scipy.special

from specframe import backend
from specframe.backend.kernel import arguments
from tests.kit import blas, costs, pool, shim
from tests.kit.strict_array import (
    FROM_HOST,
    MISSING_NAMES,
    NEEDS_ARRAY,
    StrictArray,
    call,
    call_ufunc,
    count_waits,
    lower,
    lower_index,
    wait,
)

__all__ = ["STRICT", "StrictArray", "count_waits"]

# ---- the modules -----------------------------------------------------------------------------------------------


class Ufunc:
    """A ufunc on StrictArrays; of its methods CuPy has `at`, for real numbers."""

    def __init__(self, ufunc):
        self._ufunc = ufunc

    def __call__(self, *args, **kwargs):
        return call_ufunc(self._ufunc, args, kwargs)

    def at(self, array, index, values):
        if array.dtype.kind == "c":
            raise TypeError(f"CuPy's {self._ufunc.__name__}.at takes no complex numbers")
        self._ufunc.at(array._a, lower_index(index), lower(values, "ufunc.at"))


class Namespace:
    """A module of NumPy's or SciPy's functions on StrictArrays, less what CuPy lacks."""

    ndarray = StrictArray

    def __init__(self, module, prefix=""):
        self._module, self._prefix = module, prefix

    def __getattr__(self, name):
        if self._prefix + name in MISSING_NAMES:
            raise AttributeError(f"{self._prefix}{name} is not in CuPy, or not the same there")
        value = getattr(self._module, name)
        if isinstance(value, types.ModuleType):
            value = Namespace(value, f"{name}.")
        elif isinstance(value, np.ufunc):
            value = Ufunc(value)
        elif callable(value) and not isinstance(value, type):
            value = functools.partial(self._function, name, value)
        setattr(self, name, value)  # looked up once
        return value

    def _function(self, name, function, *args, **kwargs):
        if name in FROM_HOST and args and isinstance(args[0], np.ndarray):
            costs.total.uploads += 1
            args = (StrictArray(args[0].copy()), *args[1:])  # a transfer never shares memory
        if name in NEEDS_ARRAY and args and not isinstance(args[0], StrictArray):
            lower(args[0], name)
            raise TypeError(f"CuPy's {name} takes a device array, got {type(args[0]).__name__}")
        result = call(name, function, args, kwargs)
        if name in ("empty", "empty_like") and isinstance(result, StrictArray):
            result.fill(np.nan if result.dtype.kind in "fc" else 85)  # nobody may rely on fresh memory
        return result

    def asnumpy(self, array):
        return array.get()


def _refuse_empty(array):
    if 0 in array.shape:
        raise ValueError("Invalid number of FFT data points (0) specified.")


class FFT(Namespace):
    """scipy.fft as cupyx has it: no `workers`, and the inverse real transforms of cuFFT."""

    def _function(self, name, function, *args, **kwargs):
        if "workers" in kwargs:
            raise TypeError(f"cupyx.scipy.fft.{name} has no keyword 'workers'")
        if name == "next_fast_len":
            return function(*args, **kwargs)
        _refuse_empty(args[0])
        return super()._function(name, function, *args, **kwargs)

    def irfft2(self, x, s=None, axes=(-2, -1), norm=None, overwrite_x=False):
        """cuFFT takes the edge columns for Hermitian; of every conjugate pair it reads but one."""
        _refuse_empty(x)
        half = x._a.copy()
        costs.transform("irfft2", half, {"s": s, "axes": axes, "norm": norm})
        if not overwrite_x:
            costs.copied(half)
        rows, columns = (half.shape[axes[0]], 2 * (half.shape[axes[1]] - 1)) if s is None else s
        assert half.shape[axes[0]] == rows and half.shape[axes[1]] == columns // 2 + 1, "crop or pad beforehand"
        by_frequency = np.moveaxis(half, axes, (0, 1))
        for q in (0, columns // 2) if columns % 2 == 0 else (0,):
            column = by_frequency[:, q]
            column[rows // 2 + 1 :] = np.conj(column[(rows - 1) // 2 : 0 : -1])
            column.imag[[0, rows // 2] if rows % 2 == 0 else 0] = 0
        if overwrite_x:
            x._a[...] = np.nan
        return StrictArray(scipy.fft.irfft2(half, s=(rows, columns), axes=axes, norm=norm))

    def irfftn(self, x, s=None, axes=None, norm=None, overwrite_x=False):
        assert axes is not None and len(axes) == 2, "two axes are all we use"
        return self.irfft2(x, s, axes, norm, overwrite_x)


class csr_array:
    """A thin cupyx.scipy.sparse.csr_array: float and complex values, two axes, parts that are device arrays."""

    def __init__(self, content, shape=None):
        wait()  # from a dense array: for the count; from parts: to check them
        if isinstance(content, StrictArray):
            inner = scipy.sparse.csr_array(content._a)
        else:
            if not all(isinstance(part, StrictArray) for part in content):
                raise TypeError("implicit mixing: csr_array takes data, indices and indptr that are device arrays")
            inner = scipy.sparse.csr_array(tuple(part._a for part in content), shape=shape)
        if inner.dtype.char not in "?fdFD":
            raise ValueError(f"cupyx has no sparse arrays of dtype {inner.dtype}")
        self._inner, self.shape, self.dtype = inner, inner.shape, inner.dtype
        self.data, self.indices, self.indptr = (StrictArray(x) for x in (inner.data, inner.indices, inner.indptr))

    @property
    def nnz(self):
        return self.data.size

    def toarray(self):
        return StrictArray(self._inner.toarray())

    def __matmul__(self, dense):
        return StrictArray(self._inner @ lower(dense, "csr_array @"))


xp, fft, special = Namespace(np), FFT(scipy.fft, "fft."), Namespace(scipy.special, "special.")
sparse = types.SimpleNamespace(csr_array=csr_array, csr_matrix=csr_array)
xp.cuda = types.SimpleNamespace(MemoryHook=pool.MemoryHook)


class Copy:
    """A copy to the host that is as late as it may be: it happens when somebody waits for it."""

    begun: ClassVar[list] = []  # and not done

    def __init__(self, array):
        self._array, self.done = weakref.ref(array), False
        self.begun.append(self)
        costs.total.launches += 1
        self.host = np.empty_like(array._a)
        self.host.fill(np.nan if array.dtype.kind in "fc" else 85)

    def finish(self, asked_for=True):
        if not self.done:
            array = self._array()
            assert array is not None or not asked_for, "the device array died before its copy was done"
            if array is not None:
                self.host[...] = array._a
            self.done = True
            self.begun.remove(self)


def _on_the_cpu(name):
    """The CPU's method of that name, where no compiler is there for the kernels of CUDA's."""

    def method(self, *args):
        y = getattr(backend.get("cpu"), name)(*(lower(arg, name) for arg in args))
        costs.total.launches += 1
        return StrictArray(y)

    return method


class StrictBackend(backend.Backend):
    """The CUDA backend's code on StrictArrays; set `reading_waits` to False to reach the paths that look at values."""

    name, reading_waits, number = "strict", True, 0  # tests may set another number: another device
    has_kernels = bool(shim.COMPILER)  # compiled for the CPU
    bodies = backend.CUDA.bodies if has_kernels else {}

    def __init__(self):
        super().__init__(xp, StrictArray)
        self.fft, self.sparse, self.special = fft, sparse, special

    def to_host(self, array):
        return array.get()

    def synchronize(self):
        wait()

    def launch(self, kernel, real, count, *args):
        for arg in args:
            structure = isinstance(arg, np.ndarray) and arg.dtype.names and arg.size == 1
            assert structure or not isinstance(arg, np.ndarray), "NumPy array given to a kernel"
            assert not isinstance(arg, StrictArray) or arg.flags.c_contiguous, "a kernel does not see strides"
        costs.total.launches += 1
        shim.run(kernel, real, [getattr(arg, "_a", arg) for arg in arguments(real, args)])

    def pointer(self, array):
        return array._a.ctypes.data

    late = True  # copies to the host arrive when somebody waits for them; False: at once
    _copies: ClassVar[dict] = {}
    _blas, matmul, product = (blas, None), backend.CUDA.matmul, backend.CUDA.product

    def to_pinned(self, array):
        assert array.flags.c_contiguous
        copied = Copy(array)
        return copied.host, copied

    def wait(self, copied):
        copied.finish()

    def arrived(self, copied):
        if not self.late:
            copied.finish()
        return copied.done

    def finish(self, copied):
        if not copied.done:
            wait()
            before = Copy.begun.index(copied)
            for earlier in Copy.begun[:before]:
                earlier.finish(asked_for=False)
            copied.finish()

    def from_pinned(self, host):
        costs.total.uploads += 1
        return StrictArray(host.copy())

    def _plans(self):
        return {}

    rfft2 = backend.CUDA.rfft2
    if shim.COMPILER:
        pack, unpack = backend.CUDA.pack, backend.CUDA.unpack
        random, irfft2 = backend.CUDA.random, backend.CUDA.irfft2
        compress, expand = backend.CUDA.compress, backend.CUDA.expand
    else:
        random, irfft2, compress, expand = map(_on_the_cpu, ("random", "irfft2", "compress", "expand"))
    _peak, give_back = backend.CUDA._peak, backend.CUDA.give_back


STRICT = backend.register(StrictBackend())
