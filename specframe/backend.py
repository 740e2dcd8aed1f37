"""NumPy or CuPy: the only module that knows which, and the only one that imports CuPy.

A `Backend` is one device with everything that has to match it: the array module `xp`, the FFT, the sparse
arrays, random numbers, transfers, matrix products and the measurement of memory. Ops ask for the backend of their
arrays (`backend.of("relu", x)`) and never look at array types themselves. CuPy is imported when a GPU is first asked
for, not before: importing specframe costs no GPU work and needs no CuPy.

    backend.get("auto" | "cpu" | "cuda")    the backend of a device
    backend.of("op", a, b, ...)             the backend all the arrays belong to; a mix is refused
"""

import contextlib
import functools
import os
import sys
import tracemalloc

import numpy as np

from specframe.process_memory import keep_freed_memory
from specframe.spectrum import hermitian_edges

PIECE_BYTES = 1 << 18  # a fraction of a core's second-level cache


class DeviceError(RuntimeError):
    """The device that was asked for cannot be used; the message says why and what to do."""


class Backend:
    """What both devices share, written once against `self.xp`.

    Attributes
    ----------
    name : str
        "cpu" or "cuda".
    xp : module
        numpy or cupy.
    fft, sparse : modules
        scipy.fft and scipy.sparse, or their cupyx twins.
    array_type : type
        The array class that belongs to this backend.
    asynchronous : bool
        True where reading a value makes the host wait for the device. Code that would look at values only to save
        work (which frequencies are empty?) does so only where this is False.
    """

    name: str
    asynchronous: bool

    def __init__(self, xp, array_type):
        self.xp, self.array_type = xp, array_type

    def __repr__(self):
        return f"<specframe backend {self.name}>"

    # ---- arrays in and out -------------------------------------------------------------------------------------

    def asarray(self, array, dtype=None):
        """An array of this backend with the same content; copies only when it must."""
        if not isinstance(array, self.array_type):
            array = to_host(array)
        return self.xp.asarray(array, dtype=dtype)

    def to_host(self, array):
        """A NumPy array with the same content."""
        raise NotImplementedError

    def synchronize(self):
        """Wait until the device has finished what it was given."""
        raise NotImplementedError

    # ---- random numbers ----------------------------------------------------------------------------------------

    def random(self, key, shape, dtype):
        """Uniform numbers in [0, 1), fixed by `key` (a sequence of non-negative integers) and nothing else.

        There is no generator to carry along: a caller that counts its draws and puts the count into the key can be
        resumed, or made to repeat a draw, exactly.
        """
        raise NotImplementedError

    # ---- matrix products ---------------------------------------------------------------------------------------

    def matmul(self, a, b, adjoint_a=False, adjoint_b=False):
        """`a @ b` on the last two axes, with either factor replaced by its conjugate transpose.

        Conjugation costs a copy on both devices (neither library hands BLAS the flag), so the smaller side pays:
        a^H b = conj(a^T conj(b)).
        """
        xp = self.xp
        if adjoint_a:
            a = xp.swapaxes(a, -1, -2)
        if adjoint_b:
            b = xp.swapaxes(b, -1, -2)
        conj_a = adjoint_a and a.dtype.kind == "c"
        conj_b = adjoint_b and b.dtype.kind == "c"
        if conj_a and conj_b:
            y = xp.matmul(a, b)
            return xp.conj(y, out=y)
        if conj_a or conj_b:
            conjugated, other = (a, b) if conj_a else (b, a)
            out_size = a.size // a.shape[-1] * b.shape[-1]
            if other.dtype.kind == "c" and other.size + out_size < conjugated.size:
                y = xp.matmul(a, xp.conj(b)) if conj_a else xp.matmul(xp.conj(a), b)
                return xp.conj(y, out=y)
            a, b = (xp.conj(a), b) if conj_a else (a, xp.conj(b))
        return xp.matmul(a, b)

    # ---- Fourier transforms over the first two axes ------------------------------------------------------------

    def rfft2(self, x, grid, norm):
        """Half spectrum (P, W//2 + 1, ...) of a real map (rows, cols, ...), zero-padded to `grid` = (P, W)."""
        raise NotImplementedError

    def irfft2(self, Z, grid, norm):
        """Real map (P, W, ...) of a half spectrum: ifft over the rows, then the real inverse over the columns.

        In this order the edge columns (0 and, for even W, W/2) need not be Hermitian: only their Hermitian part counts.
        """
        raise NotImplementedError

    # ---- pieces, bits and gathered entries ---------------------------------------------------------------------

    def pieces(self, array, itemsize=None):
        """Slices of the first axis for work in several passes. On a CPU a piece is still in the cache for the next
        pass; on a device, where every call costs, there is one. `itemsize` is that of what is made of an entry."""
        return [slice(0, len(array))]

    def packbits(self, bits):
        """A flat uint8 array with eight booleans a byte."""
        return self.xp.packbits(bits.reshape(-1))

    def unpackbits(self, packed, count):
        """The first `count` booleans of `packed`, flat."""
        return self.xp.unpackbits(packed)[:count].view(bool)

    def compress(self, array, mask, count):
        """The `count` entries of `array` where `mask` is true, in order; `count` must be mask's number of trues."""
        raise NotImplementedError

    def expand(self, values, mask):
        """The adjoint of `compress`: an array of mask's shape, `values` where it is true, zero elsewhere."""
        raise NotImplementedError

    def where(self, mask, array, other=None):
        """`array` where `mask` is true, `other` (None: zero) elsewhere; both of one dtype."""
        return self.xp.where(mask, array, array.dtype.type(0) if other is None else other)

    # ---- memory ------------------------------------------------------------------------------------------------

    def to_pinned(self, array):
        """Begin to copy a contiguous device array to pinned host memory, beside what the device computes.

        Returns the NumPy array it will be in, and what to give to `wait`. Until then the device array must be kept:
        its memory would go to the next array that is made.
        """
        raise NotImplementedError

    def wait(self, copied):
        """Let the device compute nothing further until a copy is done; the host goes on."""
        raise NotImplementedError

    def from_pinned(self, host):
        """The array on the device again."""
        raise NotImplementedError

    def peak_memory(self):
        """Context manager; afterwards `.nbytes` of its value is the growth to the peak inside the block, in bytes.

        Not to be nested: the inner block would forget the outer one's peak.
        """
        raise NotImplementedError


class _Peak:
    nbytes = 0


class CPU(Backend):
    """NumPy and SciPy."""

    name, asynchronous = "cpu", False

    def __init__(self):
        super().__init__(np, np.ndarray)
        keep_freed_memory()
        self.workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()

    # SciPy's parts take longer to import than all of specframe, and a run may need neither.

    @functools.cached_property
    def fft(self):
        import scipy.fft

        return scipy.fft

    @functools.cached_property
    def sparse(self):
        import scipy.sparse

        return scipy.sparse

    def to_host(self, array):
        return array

    def synchronize(self):
        pass

    def random(self, key, shape, dtype):
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(key))).random(shape, dtype=dtype)

    def rfft2(self, x, grid, norm):
        return self.fft.rfft2(x, s=grid, axes=(0, 1), norm=norm, workers=self.workers)

    def irfft2(self, Z, grid, norm):
        return self.fft.irfft2(Z, s=grid, axes=(0, 1), norm=norm, workers=self.workers)

    # NumPy gathers by flat positions several times faster than by a boolean mask.

    def compress(self, array, mask, count):
        return array.reshape(-1)[np.flatnonzero(mask)]

    def expand(self, values, mask):
        array = np.zeros(mask.shape, values.dtype)
        array.reshape(-1)[np.flatnonzero(mask)] = values
        return array

    def pieces(self, array, itemsize=None):
        count, nbytes = len(array), array.size * (itemsize or array.itemsize)
        step = max(1, PIECE_BYTES * count // max(1, nbytes))
        return [slice(start, min(start + step, count)) for start in range(0, count, step)]

    def where(self, mask, array, other=None):
        # NumPy branches at every entry, which is slow where the mask follows no pattern (docs/performance.md).
        integer = {4: np.int32, 8: np.int64}.get(array.dtype.itemsize)
        if integer is None or array.ndim == 0:
            return super().where(mask, array, other)
        chosen = np.empty(array.shape, array.dtype)
        bits = chosen.view(integer)
        for piece in self.pieces(bits):
            ones = np.negative(mask[piece].view(np.int8)).astype(integer)  # all bits where true, none elsewhere
            np.bitwise_and(array[piece].view(integer), ones, out=bits[piece])
            if other is not None:
                bits[piece] |= other[piece].view(integer) & ~ones
        return chosen

    @contextlib.contextmanager
    def peak_memory(self):
        """tracemalloc: what NumPy and Python allocate. Scratch inside BLAS and pocketfft is not seen."""
        peak, was_tracing = _Peak(), tracemalloc.is_tracing()
        if not was_tracing:
            tracemalloc.start()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        try:
            yield peak
        finally:
            peak.nbytes = tracemalloc.get_traced_memory()[1] - before
            if not was_tracing:
                tracemalloc.stop()


class CUDA(Backend):
    """CuPy on the current CUDA device."""

    name, asynchronous = "cuda", True

    def __init__(self):
        try:
            import cupy
            import cupyx.scipy.fft
            import cupyx.scipy.sparse
        except ImportError as error:
            raise DeviceError(
                "device 'cuda' needs CuPy, which is not installed: pip install 'specframe[cuda12]' (or [cuda13])"
            ) from error
        if not cupy.cuda.is_available():
            raise DeviceError("device 'cuda' was asked for, but CuPy finds no usable NVIDIA GPU on this machine")
        super().__init__(cupy, cupy.ndarray)
        self.fft, self.sparse = cupyx.scipy.fft, cupyx.scipy.sparse
        # A net meets more shapes than the default of 16 plans; a plan's work area stays in the pool while cached.
        cupy.fft.config.get_plan_cache().set_size(64)

    def to_host(self, array):
        return self.xp.asnumpy(array)

    def synchronize(self):
        self.xp.cuda.get_current_stream().synchronize()

    def random(self, key, shape, dtype):
        seed = int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])
        return self.xp.random.Generator(self.xp.random.Philox4x3210(seed)).random(shape, dtype=dtype)

    def rfft2(self, x, grid, norm):
        return self.fft.rfft2(x, s=grid, axes=(0, 1), norm=norm)

    def irfft2(self, Z, grid, norm):
        # cuFFT's two-dimensional real inverse expects Hermitian edge columns; NumPy's takes their Hermitian part.
        return self.fft.irfft2(hermitian_edges(self.xp, Z, grid[1]), s=grid, axes=(0, 1), norm=norm, overwrite_x=True)

    def compress(self, array, mask, count):
        # Indexing by a boolean array makes the host wait for the count, which the caller knows. A scatter to running
        # positions does not wait; the one extra slot at the end takes everything that is dropped.
        xp, flat = self.xp, mask.reshape(-1)
        position = xp.where(flat, xp.cumsum(flat, dtype=np.int64) - 1, count)
        values = xp.empty(count + 1, array.dtype)
        values[position] = array.reshape(-1)
        return values[:count].copy()

    def expand(self, values, mask):
        xp, flat = self.xp, mask.reshape(-1)
        if values.size == 0:
            return xp.zeros(mask.shape, values.dtype)
        position = xp.maximum(xp.cumsum(flat, dtype=np.int64) - 1, 0)
        return xp.where(flat, values[position], values.dtype.type(0)).reshape(mask.shape)

    # Nothing else uses this stream and this pool. Whoever gets memory of the pool again writes to it in a copy that
    # waits for all that was asked of the device before: it may be let go while the device still reads it.

    @functools.cached_property
    def _copies(self):
        return self.xp.cuda.Stream(non_blocking=True), self.xp.cuda.PinnedMemoryPool()

    def to_pinned(self, array):
        stream, pool = self._copies
        host = np.frombuffer(pool.malloc(array.nbytes), array.dtype, array.size).reshape(array.shape)
        stream.wait_event(self.xp.cuda.get_current_stream().record())
        array.get(stream=stream, out=host, blocking=False)
        return host, stream.record()

    def wait(self, copied):
        self.xp.cuda.get_current_stream().wait_event(copied)

    def from_pinned(self, host):
        array = self.xp.empty(host.shape, host.dtype)
        array.set(host, stream=self.xp.cuda.get_current_stream())
        return array

    @contextlib.contextmanager
    def peak_memory(self):
        """A hook on CuPy's allocator: every block in use counts, rounded as the pool rounds it."""
        cupy, peak = self.xp, _Peak()

        class Hook(cupy.cuda.MemoryHook):
            name, live = "specframe peak", 0

            def malloc_postprocess(self, **event):
                self.live += event["mem_size"]
                peak.nbytes = max(peak.nbytes, self.live)

            def free_postprocess(self, **event):
                self.live -= event["mem_size"]

        self.synchronize()
        cupy.fft.config.get_plan_cache().clear()  # cached plans hold work areas that would be counted or hidden
        with Hook():
            yield peak
            self.synchronize()


# ---- which backend? --------------------------------------------------------------------------------------------

_cpu = CPU()
_by_type = {np.ndarray: _cpu}
_cuda = None


def register(backend):
    """Let `of` and `get` know a backend; tests register a strict stand-in for CuPy this way."""
    _by_type[backend.array_type] = backend
    return backend


def get(device="auto"):
    """The backend of a device.

    Parameters
    ----------
    device : {"auto", "cpu", "cuda"} or Backend
        "auto" is the GPU where CuPy finds one, else the CPU.

    Raises
    ------
    DeviceError
        "cuda" without CuPy or without a GPU.
    ValueError
        Any other name.

    >>> get("cpu")
    <specframe backend cpu>
    """
    global _cuda
    if isinstance(device, Backend):
        return device
    if device == "cpu":
        return _cpu
    if device not in ("auto", "cuda"):
        raise ValueError(f"unknown device {device!r}: choose auto, cpu or cuda")
    if _cuda is None:
        try:
            _cuda = register(CUDA())
        except DeviceError:
            if device == "cuda":
                raise
            return _cpu
    return _cuda


def _of_one(array):
    found = _by_type.get(type(array))
    if found is None and sys.modules.get("cupy") is not None and isinstance(array, sys.modules["cupy"].ndarray):
        found = get("cuda")
    return found


def of(op, *arrays):
    """The backend that all `arrays` belong to (None entries are skipped).

    Raises
    ------
    TypeError
        Naming `op`: an argument is no array, or the arrays live on different devices.
    """
    found = None
    for array in arrays:
        if array is None:
            continue
        backend = _of_one(array)
        if backend is None:
            raise TypeError(f"{op}: expected a NumPy or CuPy array, got {type(array).__name__}")
        if found is not None and backend is not found:
            raise TypeError(
                f"{op}: got arrays on two devices ({found.name} and {backend.name}); move them to one with .to(device)"
            )
        found = backend
    return found


def to_host(array):
    """A NumPy array with the content of `array`, whatever its device (sequences become arrays)."""
    backend = _of_one(array)
    return np.asarray(array) if backend is None else backend.to_host(array)
