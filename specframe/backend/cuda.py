"""CUDA: CuPy on the current device. The only module that imports CuPy, and only when a GPU is first asked for."""

import contextlib
import math
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from specframe.backend import bits, gather, gemm
from specframe.backend.base import Backend, BrokenDeviceError, DeviceError, Peak
from specframe.backend.edges import EDGES
from specframe.backend.kernel import THREADS, Kernel, arguments, blocks
from specframe.backend.philox import UNIFORM

INSTALL = "pip install 'specframe[cuda12]' (or [cuda13])"
PLANS = 64  # a net meets more shapes than CuPy's 16; a plan's work area stays in the pool while the plan is kept


class CUDA(Backend):
    """CuPy on the current CUDA device."""

    name, reading_waits, has_kernels = "cuda", True, True
    bodies: ClassVar[dict[type, type]] = {}

    def __init__(self) -> None:
        try:
            import cupy
            import cupyx.scipy.fft
            import cupyx.scipy.sparse
            import cupyx.scipy.special
        except ImportError as error:
            raise DeviceError(f"device 'cuda' needs CuPy, which is not installed: {INSTALL}") from error
        if not cupy.cuda.is_available():
            raise DeviceError("device 'cuda' was asked for, but CuPy finds no usable NVIDIA GPU on this machine")
        if not hasattr(cupyx.scipy.sparse, "csr_array"):
            raise BrokenDeviceError(f"device 'cuda' needs CuPy 14.2 or newer, here is {cupy.__version__}: {INSTALL}")
        super().__init__(cupy, cupy.ndarray)
        self.fft, self.sparse, self.special = cupyx.scipy.fft, cupyx.scipy.sparse, cupyx.scipy.special
        self._threads, self._kernels = threading.local(), dict[tuple[Kernel, Any], Any]()
        self._copies = dict[int, tuple[Any, Any]]()  # by device: a stream, and pinned memory
        self._probe()

    def _probe(self) -> None:
        """One kernel, one product, one transform: each needs a library that a host with a driver alone lacks."""
        try:
            a = self.xp.ones((2, 2), np.float32)
            total = (a + a) @ a + self.rfft2(a.reshape(2, 2, 1, 1), (2, 2), "backward").real.reshape(2, 2)
            right = total.tolist() == [[8, 4], [4, 4]]
        except Exception as error:  # whatever goes wrong in a driver, a compiler or a library
            reason = " ".join(f"{error}".split())[:150] or type(error).__name__
            raise BrokenDeviceError(f"device 'cuda' cannot compute ({reason}): {INSTALL}") from error
        if not right:
            raise BrokenDeviceError("device 'cuda' cannot compute: 2 x 2 matrices of ones give a wrong sum")

    @property
    def number(self) -> int:
        return self.xp.cuda.runtime.getDevice()  # type: ignore[no-any-return]

    def to_host(self, array: Any) -> Any:
        return self.xp.asnumpy(array)

    def synchronize(self) -> None:
        self.xp.cuda.get_current_stream().synchronize()

    def collective(self, size: int, rank: int) -> Any:
        """What sums and sends arrays between the GPUs of so many processes, which MPI connects: CuPy's NCCL."""
        from cupyx.distributed import NCCLBackend

        return NCCLBackend(size, rank, use_mpi=True)

    def random(self, key: Any, shape: Any, dtype: Any) -> Any:
        out = self.xp.empty(shape, dtype)
        k0, k1 = np.random.SeedSequence(key).generate_state(2, np.uint64)
        self.launch(UNIFORM, out.dtype, -(-out.size // 4), out, out.size, k0, k1)
        return out

    def launch(self, kernel: Kernel, real: Any, count: int, *args: Any) -> None:
        found = self._kernels.get((kernel, real))
        if found is None:
            found = self._kernels[kernel, real] = self.xp.RawKernel(kernel.source(real), kernel.name)
        found((blocks(count),), (THREADS,), arguments(real, args))

    def pointer(self, array: Any) -> int:
        return array.data.ptr  # type: ignore[no-any-return]

    @property
    def _blas(self) -> tuple[Any, Any]:
        """cuBLAS, and the handle of this thread on the current device."""
        return self.xp.cuda.cublas, self.xp.cuda.device.get_cublas_handle()

    def matmul(self, a: Any, b: Any, adjoint_a: bool = False, adjoint_b: bool = False) -> Any:
        if not (adjoint_a or adjoint_b) or not gemm.takes(a, b):
            return Backend.matmul(self, a, b, adjoint_a, adjoint_b)
        y = self.xp.empty((*a.shape[:-2], a.shape[-1 if adjoint_a else -2], b.shape[-2 if adjoint_b else -1]), a.dtype)
        gemm.product(*self._blas, self.pointer, a, b, y, adjoint_a, adjoint_b)
        return y

    def product(self, a: Any, b: Any, out: Any, adjoint_a: bool = False, add: bool = False) -> None:
        """out = a @ b, or out + a @ b, of contiguous arrays of one dtype, with a or its conjugate transpose."""
        if a.size and b.size:
            gemm.product(*self._blas, self.pointer, a, b, out, adjoint_a, add=add)
        elif not add:
            out.fill(0)

    # CuPy transforms no array without entries, as a batch without images is. It keeps plans for each thread and device.

    def _plans(self) -> Any:
        """The plans of this thread on the current device, with room enough."""
        plans, sized = self.xp.fft.config.get_plan_cache(), self._threads.__dict__.setdefault("sized", set())
        if self.number not in sized:
            plans.set_size(PLANS)
            sized.add(self.number)
        return plans

    def rfft2(self, x: Any, grid: tuple[int, int], norm: str) -> Any:
        if x.size == 0:
            return self.xp.empty((grid[0], grid[1] // 2 + 1, *x.shape[2:]), np.result_type(x.dtype, np.complex64))
        self._plans()
        return self.fft.rfft2(x, s=grid, axes=(0, 1), norm=norm)

    def irfft2(self, Z: Any, grid: tuple[int, int], norm: str, inner: float = 1.0) -> Any:
        """As Backend.irfft2, of Z with all columns but the edge columns times `inner`."""
        if Z.size == 0:
            return self.xp.empty((*grid, *Z.shape[2:]), Z.real.dtype)
        self._plans()
        (P, W), Z, half = grid, self.xp.ascontiguousarray(Z), self.xp.empty(Z.shape, Z.dtype)
        factor = {"backward": 1 / (P * W), "ortho": 1 / math.sqrt(P * W), "forward": 1.0}[norm]
        real, line = Z.real.dtype, math.prod(Z.shape[2:])
        self.launch(EDGES, real, Z.size, Z, half, P, Z.shape[1], line, W, factor, factor * inner)
        return self.fft.irfft2(half, s=grid, axes=(0, 1), norm="forward", overwrite_x=True)

    # Indexing by a boolean array makes the host wait for the count, which the caller knows. Running positions do not.

    def compress(self, array: Any, mask: Any, count: Any) -> Any:
        xp, n, parts = self.xp, mask.size, 1 + (array.dtype.kind == "c")
        if not gather.fits(array):
            where = xp.where(
                mask.reshape(-1), xp.cumsum(mask, dtype=np.int64) - 1, count
            )  # what is dropped, at the end
            values = xp.empty(count + 1, array.dtype)
            values[where] = array.reshape(-1)
            return values[:count].copy()
        values, array, mask = xp.empty(count, array.dtype), xp.ascontiguousarray(array), xp.ascontiguousarray(mask)
        real = array.real.dtype
        self.launch(gather.COMPRESS, real, n, array, mask, xp.cumsum(mask, dtype=np.int32), values, n, parts)
        return values

    def expand(self, values: Any, mask: Any) -> Any:
        xp, n, parts = self.xp, mask.size, 1 + (values.dtype.kind == "c")
        if values.size == 0:
            return xp.zeros(mask.shape, values.dtype)
        if not gather.fits(values) or n > gather.LARGEST:
            where = xp.maximum(xp.cumsum(mask, dtype=np.int64) - 1, 0)
            return xp.where(mask.reshape(-1), values[where], values.dtype.type(0)).reshape(mask.shape)
        array, mask = xp.empty(mask.shape, values.dtype), xp.ascontiguousarray(mask)
        real = values.real.dtype
        self.launch(gather.EXPAND, real, n, values, mask, xp.cumsum(mask, dtype=np.int32), array, n, parts)
        return array

    def pack(self, decisions: Any, digits: int) -> Any:
        decisions = self.xp.ascontiguousarray(decisions)
        count, width = decisions.size, decisions.itemsize
        if width > 2:
            return Backend.pack(self, decisions, digits)
        planes = self.xp.empty((digits, -(-count // 8)), np.uint8)
        self.launch(bits.PACK, np.dtype("f"), planes.size, decisions, planes, planes.shape[1], digits, count, width)
        return planes

    def unpack(self, planes: Any, count: int, dtype: Any) -> Any:
        whole = self.xp.empty(count, dtype)
        sizes = *planes.shape[::-1], count, whole.itemsize
        self.launch(bits.UNPACK, np.dtype("f"), count, planes, whole, *sizes)
        return whole

    # Nothing else uses these streams and pools, one of each a device. Whoever gets memory of a pool again writes to it
    # in a copy that waits for all that was asked of the device before: it may be let go while the device reads it.

    def to_pinned(self, array: Any) -> Any:
        if self.number not in self._copies:
            self._copies[self.number] = self.xp.cuda.Stream(non_blocking=True), self.xp.cuda.PinnedMemoryPool()
        stream, pool = self._copies[self.number]
        host = np.frombuffer(pool.malloc(array.nbytes), array.dtype, array.size).reshape(array.shape)
        stream.wait_event(self.xp.cuda.get_current_stream().record())
        array.get(stream=stream, out=host, blocking=False)
        return host, stream.record()

    def wait(self, copied: Any) -> None:
        self.xp.cuda.get_current_stream().wait_event(copied)

    def arrived(self, copied: Any) -> bool:
        return copied.done  # type: ignore[no-any-return]

    def finish(self, copied: Any) -> None:
        copied.synchronize()

    def from_pinned(self, host: Any) -> Any:
        array = self.xp.empty(host.shape, host.dtype)
        array.set(host, stream=self.xp.cuda.get_current_stream())
        return array

    def give_back(self) -> None:
        self._plans().clear()
        for _, pool in self._copies.values():
            pool.free_all_blocks()

    @contextlib.contextmanager
    def _peak(self) -> Iterator[Peak]:
        """A hook on CuPy's allocator: every block in use counts, rounded as the pool rounds it."""
        peak = Peak()

        class Hook(self.xp.cuda.MemoryHook):  # type: ignore[misc]
            name, live = "specframe peak", 0

            def malloc_postprocess(self, **event: Any) -> None:
                self.live += event["mem_size"] if event["mem_ptr"] else 0  # no address: there was no memory
                peak.nbytes = max(peak.nbytes, self.live)

            def free_postprocess(self, **event: Any) -> None:
                self.live -= event["mem_size"]

        self.synchronize()
        self.give_back()  # kept plans hold work areas that would be counted or hidden
        with Hook():
            yield peak
            self.synchronize()
