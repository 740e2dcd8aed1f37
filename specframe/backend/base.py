"""Backend: what both devices share, written once against the array module `xp`."""

import contextlib
import functools
import math
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar


class DeviceError(RuntimeError):
    """The device that was asked for cannot be used; the message says why and what to do."""


class BrokenDeviceError(DeviceError):
    """There is a GPU, and it cannot compute: worth a word where the CPU takes its place."""


class Backend:
    """What both devices share, written once against `self.xp`.

    Attributes
    ----------
    name : str
        "cpu" or "cuda".
    xp : module
        numpy or cupy.
    fft, sparse, special : modules
        scipy.fft, scipy.sparse and scipy.special, or their cupyx twins.
    array_type : type
        The array class that belongs to this backend.
    reading_waits : bool
        True where reading a value makes the host wait for the device. Code that would look at values only to save
        work or bytes (which rows are empty?) does so only where this is False.
    has_kernels : bool
        True where `launch` runs kernels.
    bodies : dict, of the class
        Bodies of ops that were written for this device: {op: op}. specframe/fast fills it; op.py says how it is used.
    """

    name: str
    reading_waits: bool
    has_kernels: bool = False
    bodies: ClassVar[dict[type, type]]

    def __init__(self, xp: Any, array_type: type) -> None:
        self.xp, self.array_type = xp, array_type
        self._measuring = threading.Lock()

    def __repr__(self) -> str:
        return f"<specframe backend {self.name}>"

    @property
    def number(self) -> int:
        """Which of several devices of this kind is the current one."""
        return 0

    # ---- arrays in and out -------------------------------------------------------------------------------------

    def asarray(self, array: Any, dtype: Any = None) -> Any:
        """An array of this backend with the same content; copies only when it must."""
        if not isinstance(array, self.array_type):
            array = array.get() if hasattr(array, "get") else array  # what lies on a device has `get`, a list has not
        return self.xp.asarray(array, dtype=dtype)

    def to_host(self, array: Any) -> Any:
        """A NumPy array with the same content."""
        raise NotImplementedError

    def synchronize(self) -> None:
        """Wait until the device has finished what it was given."""
        raise NotImplementedError

    # ---- random numbers ----------------------------------------------------------------------------------------

    def random(self, key: Any, shape: Any, dtype: Any) -> Any:
        """Uniform numbers in [0, 1), fixed by `key` (a sequence of non-negative integers) and nothing else.

        There is no generator to carry along: a caller that counts its draws and puts the count into the key can be
        resumed, or made to repeat a draw, exactly.
        """
        raise NotImplementedError

    # ---- kernels ----------------------------------------------------------------------------------------------

    def launch(self, kernel: Any, real: Any, count: int, *args: Any) -> None:
        """Run a Kernel for `real` numbers over `count` entries, on the device's own arrays (a device only)."""
        raise NotImplementedError

    def pointer(self, array: Any) -> int:
        """The address of an array's first entry (a device only)."""
        raise NotImplementedError

    # ---- matrix products ---------------------------------------------------------------------------------------

    def matmul(self, a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False) -> Any:
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
            out_size = math.prod(a.shape[:-1]) * b.shape[-1]
            if other.dtype.kind == "c" and other.size + out_size < conjugated.size:
                y = xp.matmul(a, xp.conj(b)) if conj_a else xp.matmul(xp.conj(a), b)
                return xp.conj(y, out=y)
            a, b = (xp.conj(a), b) if conj_a else (a, xp.conj(b))
        return xp.matmul(a, b)

    # ---- Fourier transforms over the first two axes ------------------------------------------------------------

    def rfft2(self, x: Any, grid: tuple[int, int], norm: str) -> Any:
        """Half spectrum (P, W//2 + 1, ...) of a real map (rows, cols, ...), zero-padded to `grid` = (P, W)."""
        raise NotImplementedError

    def irfft2(self, Z: Any, grid: tuple[int, int], norm: str) -> Any:
        """Real map (P, W, ...) of a half spectrum: ifft over the rows, then the real inverse over the columns.

        In this order the edge columns (0 and, for even W, W/2) need not be Hermitian: only their Hermitian part counts.
        """
        raise NotImplementedError

    # ---- pieces, bits and gathered entries ---------------------------------------------------------------------

    def pieces(self, array: Any, itemsize: int | None = None) -> list[slice]:
        """Slices of the first axis for work in several passes. On a CPU a piece is still in the cache for the next
        pass; on a device, where every call costs, there is one. `itemsize` is that of what is made of an entry."""
        return [slice(0, len(array))]

    def pack(self, decisions: Any, digits: int) -> Any:
        """(digits, bytes) uint8: of each decision the bit of each digit, from the lowest, eight a byte."""
        planes = [(decisions >> digit) & 1 if digits > 1 else decisions for digit in range(digits)]
        return self.xp.stack([self.packbits(plane) for plane in planes])

    def unpack(self, planes: Any, count: int, dtype: Any) -> Any:
        """The first `count` decisions, flat, in a dtype that holds them."""
        whole = self.unpackbits(planes[0], count).astype(dtype, copy=False)
        for digit in range(1, len(planes)):
            whole |= self.unpackbits(planes[digit], count).astype(dtype) << dtype.type(digit)
        return whole

    def packbits(self, bits: Any) -> Any:
        """A flat uint8 array with eight booleans a byte."""
        return self.xp.packbits(bits.reshape(-1))

    def unpackbits(self, packed: Any, count: int) -> Any:
        """The first `count` booleans of `packed`, flat."""
        return self.xp.unpackbits(packed)[:count].view(bool)

    def compress(self, array: Any, mask: Any, count: Any) -> Any:
        """The `count` entries of `array` where `mask` is true, in order; `count` must be mask's number of trues."""
        raise NotImplementedError

    def expand(self, values: Any, mask: Any) -> Any:
        """The adjoint of `compress`: an array of mask's shape, `values` where it is true, zero elsewhere."""
        raise NotImplementedError

    def where(self, mask: Any, array: Any, other: Any = None) -> Any:
        """`array` where `mask` is true, `other` (None: zero) elsewhere; both of one dtype."""
        return self.xp.where(mask, array, array.dtype.type(0) if other is None else other)

    # ---- memory ------------------------------------------------------------------------------------------------

    def to_pinned(self, array: Any) -> Any:
        """Begin to copy a contiguous device array to pinned host memory, beside what the device computes.

        Returns the NumPy array it will be in, and what to give to `wait`. Until then the device array must be kept:
        its memory would go to the next array that is made.
        """
        raise NotImplementedError

    def wait(self, copied: Any) -> None:
        """Let the device compute nothing further until a copy is done; the host goes on."""
        raise NotImplementedError

    def arrived(self, copied: Any) -> bool:
        """Whether a copy is done; nobody waits."""
        raise NotImplementedError

    def finish(self, copied: Any) -> None:
        """Let the host wait until a copy is done, and with it all that were begun before."""
        raise NotImplementedError

    def from_pinned(self, host: Any) -> Any:
        """The array on the device again."""
        raise NotImplementedError

    def give_back(self) -> None:
        """Return to the system what is kept for later use only: plans of transforms, and free pinned memory."""

    @contextlib.contextmanager
    def peak_memory(self) -> Iterator["Peak"]:
        """Context manager; afterwards `.nbytes` of its value is the growth to the peak inside the block, in bytes.

        Raises
        ------
        RuntimeError
            Inside another such block: the inner one would forget the outer one's peak.
        """
        if not self._measuring.acquire(blocking=False):
            raise RuntimeError("peak_memory: a peak is being measured already; a second would make it forget its own")
        try:
            with self._peak() as peak:
                yield peak
        finally:
            self._measuring.release()

    def _peak(self) -> contextlib.AbstractContextManager["Peak"]:
        """How this backend measures."""
        raise NotImplementedError


class Peak:
    """What `peak_memory` measures."""

    nbytes = 0


def constant(make: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator of make(b, *args), an array that depends on its arguments alone: made once for each device, and kept.

    Nobody may write to it. On a GPU it spares an upload a call.
    """

    @functools.lru_cache(maxsize=256)
    def kept(b: Backend, number: int, *args: Any) -> Any:
        return make(b, *args)

    @functools.wraps(make)
    def constant_of(b: Backend, *args: Any) -> Any:
        return kept(b, b.number, *args)

    return constant_of
