"""The array of the strict stand-in for CuPy (strict.py): refuses, counts and returns what CuPy's does."""

import contextlib
import numbers
import types

import numpy as np

from tests.kit import costs, pool

# What NumPy 2.4 has and CuPy 14.2 has not, and what gives other results there (random) or belongs to the backend (fft).
# A name that CuPy gains is harmless here: we only stay stricter.
MISSING_NAMES = set(
    """block char ctypeslib dtypes einsum_path emath errstate frompyfunc geomspace insert longdouble ma matrix matvec
    memmap ndenumerate nditer object_ rec seterr spacing strings testing unstack vecdot vecmat random fft polynomial
    linalg.matrix_norm linalg.multi_dot linalg.vecdot linalg.vector_norm linalg.outer linalg.svdvals linalg.tensordot
    fft.get_workers fft.set_workers fft.set_backend fft.prev_fast_len""".split()
)
_REDUCTIONS = "all amax amin any max mean min nanmax nanmean nanmin nanprod nanstd nansum nanvar prod std sum var"
MISSING_KEYWORDS = {
    "where": _REDUCTIONS,
    "initial": "amax amin max min nanmax nanmin nanprod nansum prod sum",
    "correction": "std var nanstd nanvar",
    "count": "unpackbits",
    "keepdims": "count_nonzero",
    "kind": "isin partition argpartition",
    "mode": "take",
    "order": "argsort sort",
    "stable": "argsort sort",
    "sorted": "unique",
    "subok": "broadcast_arrays broadcast_to copy",
    "max": "clip",
    "min": "clip",
    "like": "arange array asanyarray asarray empty eye full identity ones tri zeros",
    "device": "arange asanyarray asarray empty empty_like eye full full_like linspace ones ones_like zeros zeros_like",
}
MISSING_KEYWORDS = {keyword: set(names.split()) for keyword, names in MISSING_KEYWORDS.items()}

FROM_HOST = {"array", "asarray", "asanyarray"}  # the explicit transfers
NEEDS_ARRAY = set(  # these call a method of their first argument: a list or a scalar has none
    f"""{_REDUCTIONS} argmax argmin argsort cumprod cumsum count_nonzero ravel reshape transpose swapaxes moveaxis roll
    squeeze expand_dims repeat take packbits unpackbits flip broadcast_to real imag conj clip pad""".split()
)
WAITS = set("argwhere bincount compress delete extract flatnonzero histogram nonzero trim_zeros unique".split())
ZERO_D = {"allclose", "array_equal", "array_equiv", "count_nonzero"}  # plain bool or int in NumPy, 0-d in CuPy
DTYPES = "?bBhHiIlLqQefdFD"


class StrictArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array "on the device"."""

    __slots__ = ("__weakref__", "_a", "_block", "base")

    def __init__(self, array, base=None):
        self._block = 0
        if array.dtype.char not in DTYPES:
            raise TypeError(f"CuPy has no arrays of dtype {array.dtype}")
        self._a, self.base = array, base
        if base is None:
            self._block = pool.take(array.nbytes)

    def __del__(self, hooks=pool.hooks, give=pool.give):  # bound here: Python may end before the last array
        if hooks:
            give(self._block)

    # ---- what the host may know without waiting ----------------------------------------------------------------

    shape = property(lambda self: self._a.shape)
    dtype = property(lambda self: self._a.dtype)
    ndim = property(lambda self: self._a.ndim)
    size = property(lambda self: self._a.size)
    nbytes = property(lambda self: self._a.nbytes)
    itemsize = property(lambda self: self._a.itemsize)
    strides = property(lambda self: self._a.strides)
    T = property(lambda self: lift(self._a.T, self))

    @property
    def flags(self):
        """The three flags that CuPy has; there is no `writeable`."""
        flags = self._a.flags
        return types.SimpleNamespace(
            c_contiguous=flags.c_contiguous, f_contiguous=flags.f_contiguous, owndata=self.base is None
        )

    def __len__(self):
        return len(self._a)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __repr__(self):
        return f"StrictArray({self._a!r})"  # for failure messages: not counted

    # ---- views and entries -------------------------------------------------------------------------------------

    @property
    def real(self):
        return lift(self._a.real, self)

    @real.setter
    def real(self, value):
        costs.total.launches += 1
        self._a.real = lower(value, "real")

    @property
    def imag(self):
        return lift(self._a.imag, self)

    @imag.setter
    def imag(self, value):
        costs.total.launches += 1
        self._a.imag = lower(value, "imag")

    def __getitem__(self, index):
        lowered = wrapped(lower_index(index), self._a.shape)
        costs.gathered(lowered)
        entries = self._a[lowered]
        if not isinstance(entries, np.ndarray):  # NumPy gives a scalar for one entry, CuPy a 0-d view
            entries = self._a[(*lowered, ...) if isinstance(lowered, tuple) else (lowered, ...)]
        return lift(entries, self)

    def __setitem__(self, index, value):
        lowered, value = wrapped(lower_index(index), self._a.shape), lower(value, "a[...] = b")
        target = self._a[lowered]
        if isinstance(target, np.ndarray) and np.may_share_memory(target, self._a):
            costs.assignment(target, value)
        else:
            costs.gathered(lowered)
            lowered, value = in_any_order(lowered, value)
        self._a[lowered] = value

    # ---- what makes the host wait ------------------------------------------------------------------------------

    def get(self):
        """Copy to the host, as cupy.ndarray.get."""
        wait()
        return self._a.copy()

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion of a device array to NumPy: use backend.to_host")

    def __bool__(self):
        return bool(self.get())

    def __float__(self):
        return float(self.get())

    def __int__(self):
        return int(self.get())

    def __complex__(self):
        return complex(self.get())

    def __str__(self):
        return str(self.get())

    def __format__(self, spec):
        return format(self.get()[()], spec)

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def tobytes(self):
        return self.get().tobytes()

    # ---- NumPy's ufuncs, called on a device array, run on the device --------------------------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **kwargs):
        if method != "__call__" or getattr(np, ufunc.__name__, None) is not ufunc:
            raise TypeError(f"CuPy has no {ufunc.__name__}.{method}")
        return call_ufunc(ufunc, inputs, kwargs | ({} if out is None else {"out": out[0]}))

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()


def _method(name):
    def method(self, *args, **kwargs):
        return call(name, getattr(self._a, name), args, kwargs, self)

    method.__name__ = name
    return method


for _name in """all any argmax argmin argsort astype clip compress conj conjugate copy cumprod cumsum diagonal dot fill
    flatten max mean min nonzero prod ravel repeat reshape round sort squeeze std sum swapaxes take trace transpose var
    view""".split():
    setattr(StrictArray, _name, _method(_name))


# ---- between the two kinds of array ----------------------------------------------------------------------------


def wait():
    costs.total.waits += 1


@contextlib.contextmanager
def count_waits():
    """Gives a function that says how often the host has waited since the block began."""
    before = costs.total.waits
    yield lambda: costs.total.waits - before


def lower(value, op):
    """The NumPy array inside, in nested lists and tuples too; a bare NumPy array is refused."""
    if isinstance(value, StrictArray):
        return value._a
    if isinstance(value, np.ndarray):
        raise TypeError(f"implicit mixing of NumPy and device arrays in {op}")
    if isinstance(value, (list, tuple)):
        return type(value)(lower(item, op) for item in value)
    return value


def lower_index(index):
    parts = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, StrictArray) and part.dtype == bool for part in parts):
        wait()  # the host must learn how many entries there are
    return lower(index, "an index")


def wrapped(index, shape):
    """An index in which numbers beyond the end begin anew at the start, as CuPy reads them: without a word."""
    parts = index if isinstance(index, tuple) else (index,)
    if any(part is None or part is Ellipsis for part in parts):
        return index
    parts = tuple(
        part % n if isinstance(part, np.ndarray) and part.dtype.kind in "iu" and n else part
        for part, n in zip(parts, shape, strict=False)
    )
    return parts if isinstance(index, tuple) else parts[0] if parts else index


_order = np.random.default_rng(0)


def in_any_order(index, value):
    """The same scatter with its entries shuffled: of several to one place, any may be the last."""
    if not (isinstance(index, np.ndarray) and index.dtype.kind in "iu" and index.ndim == 1):
        return index, value
    order = _order.permutation(index.size)
    return index[order], value[order] if isinstance(value, np.ndarray) and value.shape[:1] == index.shape else value


def _owner(array):
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def arrays(values):
    for value in values:
        if isinstance(value, StrictArray):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from arrays(value)


def lift(result, *sources):
    """Wrap what NumPy returned; an array that was handed in comes back as the same object, a view knows its base."""
    if isinstance(result, np.generic):
        result = np.asarray(result)
    if isinstance(result, np.ndarray):
        for source in arrays(sources):
            if result is source._a:
                return source
            if _owner(result) is _owner(source._a):
                return StrictArray(result, source if source.base is None else source.base)
        return StrictArray(result)
    if isinstance(result, (list, tuple)):
        lifted = [lift(item, *sources) for item in result]
        return lifted if isinstance(result, list) else tuple(lifted)
    return result


def call_ufunc(ufunc, inputs, kwargs):
    for value in inputs:
        if isinstance(value, np.ndarray):
            raise TypeError(f"implicit mixing of NumPy and device arrays in {ufunc.__name__}")
        if not isinstance(value, (StrictArray, numbers.Number, np.generic)):
            raise TypeError(f"{ufunc.__name__}: unsupported type {type(value).__name__}")
    if unknown := kwargs.keys() - {"out", "dtype", "casting"}:
        raise TypeError(f"CuPy's {ufunc.__name__} has no keyword {sorted(unknown)}")
    return call(ufunc.__name__, ufunc, inputs, kwargs)


def call(name, function, args, kwargs, *sources):
    """Run NumPy's `function` as CuPy's of that `name` would; `sources` are further arrays a result may be a view of."""
    for keyword in kwargs:
        if name in MISSING_KEYWORDS.get(keyword, ()):
            raise TypeError(f"CuPy's {name} has no keyword {keyword!r}")
    if name.endswith("partition") and any(isinstance(kth, np.integer) for kth in (*args[1:2], kwargs.get("kth"))):
        raise TypeError(f"CuPy's {name} takes a kth of Python, not one of NumPy")
    if name in WAITS or (name == "where" and len(args) == 1) or (name == "repeat" and any(arrays(args[1:]))):
        wait()
    lowered = {keyword: lower(value, name) for keyword, value in kwargs.items()}
    given = [lower(arg, name) for arg in args]
    result = function(*given, **lowered)
    if name == "partition" and result.dtype.kind == "f":
        result = np.concatenate([result[np.isnan(result)], result[~np.isnan(result)]])  # in no order: first, here
    costs.call(name, [*given, *(source._a for source in arrays(sources))], lowered, result)
    if name in ZERO_D:
        result = np.asarray(result)
    return lift(result, *sources, *args, *kwargs.values())
