"""CuPy itself on a machine without a GPU: a plugin of pytest that gives it a driver whose device memory is the host's.

    pip install cupy-cuda12x nvidia-cuda-nvrtc-cu12 nvidia-cuda-runtime-cu12 nvidia-cuda-nvcc-cu12
    python -m pytest -p tests.kit.cupy_driver -k cuda tests/test_backend.py tests/ops/test_conv2d.py

CuPy's own are then: dtypes, casting, layouts, its memory pool and hooks, the arguments of launches, what it asks of
cuBLAS and cuFFT, and the source of every kernel, ours and its own, which NVRTC accepts and g++ compiles for the CPU.
Not its own: the libraries (cupy_libraries.c), running sums (whose kernel needs warps), and time: all is done at once,
in order, so nothing is seen of streams. Sorting (topk) and kernels of half precision do not run.

How: CuPy's modules call the driver through tables of C functions in `__pyx_capi__`, with their signatures as text; the
entries are replaced before the modules are loaded that read them.
"""

import collections
import ctypes
import hashlib
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.kit import shim

FOLDER = Path(tempfile.gettempdir()) / f"specframe-cupy-{os.getuid()}"
FOLDER.mkdir(mode=0o700, exist_ok=True)
os.environ["CUPY_ACCELERATORS"] = ""  # plain kernels in place of CUB's, which need warps
os.environ["CUPY_CACHE_DIR"] = str(FOLDER / "cubin")

from cupy_backends.cuda.api import driver, runtime  # noqa: E402 - after what it reads

calls = collections.Counter()  # of the driver, by name


def pytest_sessionfinish(session, exitstatus):
    session.config.ended = exitstatus


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """Without Python's last steps, in which CuPy frees memory by functions that are no more."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(getattr(config, "ended", 1))


# ---- the driver --------------------------------------------------------------------------------------------------

C = {
    "PyObject *": ctypes.py_object, "intptr_t": ctypes.c_ssize_t, "size_t": ctypes.c_size_t, "int": ctypes.c_int,
    "unsigned int": ctypes.c_uint, "void": None,
}  # fmt: skip
_python = ctypes.pythonapi
_python.PyCapsule_New.restype, _python.PyCapsule_GetName.restype = ctypes.py_object, ctypes.c_char_p
_python.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
_python.PyCapsule_GetName.argtypes = [ctypes.py_object]
_libc, _kept = ctypes.CDLL(None), []
_libc.calloc.restype, _libc.calloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t] * 2
_libc.free.argtypes = [ctypes.c_void_p]


def replace(module, name, function, calls=calls):
    """Let CuPy call `function` for a function of the driver, from C and from Python."""
    signature = _python.PyCapsule_GetName(module.__pyx_capi__[name])
    result, parameters = re.fullmatch(r"(.*?) ?\((.*)\)", signature.decode()).groups()
    own = [part for part in parameters.split(", ") if "__pyx" not in part and part != "void"]
    types = [
        C.get(part.strip(), ctypes.c_void_p) for part in parameters.replace(" __pyx_skip_dispatch", "").split(", ")
    ]

    def call(*args):
        calls[name] += 1
        return function(*args[: len(own)])

    callback = ctypes.PYFUNCTYPE(C[result], *(kind for kind in types if kind))(call)
    text = ctypes.create_string_buffer(signature)
    _kept.extend([callback, text])
    address = ctypes.cast(callback, ctypes.c_void_p)
    module.__pyx_capi__[name] = _python.PyCapsule_New(address, text, None)
    setattr(module, name, call)


def copy(to, source, nbytes, *_):
    ctypes.memmove(to, source, nbytes)


def fill(to, value, nbytes, *_):
    ctypes.memset(to, value, nbytes)


def take(nbytes, *_):
    return _libc.calloc(max(1, nbytes), 1)


def give_back(address, free=_libc.free):
    free(address)


_modules, _functions = [None], [None]  # images; (module, name): their numbers are what CuPy holds


def load(image):
    _modules.append(None)  # its source comes when it has been compiled
    return len(_modules) - 1


def find(module, name):
    _functions.append((module, name))
    return len(_functions) - 1


def launch(function, *sizes_and_arguments):
    (gx, gy, gz, bx, by, bz), arguments = sizes_and_arguments[:6], sizes_and_arguments[8]
    assert gy == gz == by == bz == 1 and 0 < gx < 2**31 and bx <= 1024
    module, name = _functions[function]
    try:
        compiled(_modules[module], name)(gx, bx, ctypes.c_void_p(arguments))
    except AssertionError as error:  # which C would ignore, and go on with what no kernel has written
        print(f"cupy_driver: g++ does not take {name}: {error}", file=sys.__stderr__, flush=True)
        os._exit(1)


CARD = {"name": b"a CPU", "totalGlobalMem": 1 << 36, "multiProcessorCount": 132, "warpSize": 32,
        "maxThreadsPerBlock": 1024, "sharedMemPerBlock": 49152}  # fmt: skip
ATTRIBUTES = {75: 9, 76: 0}  # computes as sm_90
RUNTIME = {
    "malloc": take, "hostAlloc": take, "free": give_back, "freeHost": give_back,
    "memcpy": copy, "memcpyAsync": copy, "memset": fill, "memsetAsync": fill,
    "getDevice": lambda: 0, "getDeviceCount": lambda: 1, "runtimeGetVersion": lambda: 12090,
    "driverGetVersion": lambda: 12090, "_getCUDAMajorVersion": lambda: 12,
    "deviceGetAttribute": lambda attribute, device: ATTRIBUTES.get(attribute, 1024),
    "getDeviceProperties": lambda device: CARD, "memGetInfo": lambda: (1 << 36, 1 << 36),
    "pointerGetMemoryType": lambda pointer: 0, "streamIsCapturing": lambda stream: 0,
    "eventCreate": lambda: 1, "eventCreateWithFlags": lambda flags: 1, "streamCreate": lambda: 1,
    "streamCreateWithFlags": lambda flags: 1, "streamCreateWithPriority": lambda flags, priority: 1,
}  # fmt: skip
NOTHING = """_ensure_context setDevice deviceSynchronize streamSynchronize eventSynchronize eventQuery streamQuery
    eventDestroy streamDestroy eventRecord streamWaitEvent"""  # an event is never done before it is waited for
for name, function in {**RUNTIME, **dict.fromkeys(NOTHING.split(), lambda *_: None)}.items():
    replace(runtime, name, function)
for name, function in {"launchKernel": launch, "moduleLoadData": load, "moduleGetFunction": find,
                       "moduleUnload": lambda module: None, "ctxGetCurrent": lambda: 1,
                       "ctxGetDevice": lambda: 0}.items():  # fmt: skip
    replace(driver, name, function)

# ---- libraries and kernels ---------------------------------------------------------------------------------------


def built(name, source, flags, missing=""):
    """A shared library of a C or C++ source, kept between runs; with functions that it must have and nobody calls."""
    path = FOLDER / f"{hashlib.sha256(repr((source, flags, missing)).encode()).hexdigest()[:20]}-{name}"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=FOLDER) as place:
            (code := Path(place) / ("x.cpp" if "g++" in flags[0] else "x.c")).write_text(source)
            versions = Path(place) / "versions"
            versions.write_text(f"{name} {{ global: *; }};")
            (others := Path(place) / "others.c").write_text(missing)
            made = Path(place) / "made"
            command = [
                *flags,
                code,
                *([others] if missing else []),
                "-shared",
                "-fPIC",
                "-w",
                "-lm",
                "-o",
                made,
                f"-Wl,-soname,{name}",
            ]
            done = subprocess.run([*command, f"-Wl,--version-script={versions}"], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr[:2000]
            made.replace(path)
    return ctypes.CDLL(str(path))


import cupy  # noqa: E402 - after the driver
import cupy.cuda.compiler  # noqa: E402

LIBRARIES = (Path(__file__).parent / "cupy_libraries.c").read_text(encoding="utf-8")
TRAP = 'int puts(); __attribute__((weak)) void NAME(void) { puts("NAME is not here"); __builtin_trap(); }\n'
READERS = {"libcublas.so.12": "cupy_backends.cuda.libs.cublas", "libcufft.so.11": "cupy.cuda.cufft"}
for name, flags in {"libcublasLt.so.12": [], "libcublas.so.12": ["-DBLAS"], "libcufft.so.11": ["-DFFT"]}.items():
    missing = ""
    if name in READERS:
        command = ["nm", "-D", "--undefined-only", importlib.util.find_spec(READERS[name]).origin]
        asked = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        names = sorted(set(re.findall(r"\b(cu(?:blas|fft)[A-Z]\w+)@", asked)))
        missing = "".join(TRAP.replace("NAME", function) for function in names)
    _kept.append(built(name, LIBRARIES, ["gcc", "-O2", *flags], missing))

HEADERS = [Path(cupy.__file__).parent / "_core/include" / part
           for part in ("", "cupy/_cccl/thrust", "cupy/_cccl/cub", "cupy/_cccl/libcudacxx")]  # fmt: skip
HEADERS += [Path(importlib.util.find_spec(f"nvidia.{name}").submodule_search_locations[0]) / "include"
            for name in ("cuda_nvcc", "cuda_runtime")]  # fmt: skip
HEADER = shim.HEADER.replace("using namespace std;", """
#include <math.h>
#include <stdlib.h>
#include <cuda_runtime.h>
#undef __device__
#undef __global__
#undef __shared__
#undef __host__
#undef __forceinline__
#define __host__
#define __forceinline__ inline
#define __popc(x) __builtin_popcount(x)
#define __popcll(x) __builtin_popcountll(x)
using namespace std;
""").replace("#define __device__ static", "#define __device__")  # fmt: skip
_compiled = {}


def compiled(source, name):
    """`launch` of a kernel, from its CUDA source."""
    if (source, name) not in _compiled:
        together = "#define TOGETHER\n" if "__syncthreads" in source else ""
        source_here = source.replace("#include <cupy/atomics.cuh>", "")
        whole = f"{together}{HEADER}{source_here}\n#define KERNEL {name}\n{shim.FOOTER}"
        includes = [f"-I{folder}" for folder in HEADERS]
        library = built("kernel.so", whole, ["g++", "-std=c++17", "-O1", "-pthread", "-fpermissive", *includes])
        _compiled[source, name] = library.launch
    return _compiled[source, name]


_compile = cupy.cuda.compiler._compile_module_with_cache


def compile_and_remember(source, *args, **options):
    module = _compile(source, *args, **options)
    _modules[-1] = source
    return module


def on_host(array):
    return np.frombuffer((ctypes.c_char * array.nbytes).from_address(array.data.ptr), array.dtype).reshape(array.shape)


def cumsum(a, axis=None, dtype=None):
    if a.size == 0:
        return cupy.empty(0, dtype)
    sums = np.cumsum(on_host(cupy.ascontiguousarray(a)), axis, dtype)
    out = cupy.empty(sums.shape, sums.dtype)
    on_host(out)[...] = sums
    return out


cupy.cuda.compiler._compile_module_with_cache, cupy.cumsum = compile_and_remember, cumsum
