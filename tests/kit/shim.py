"""CUDA kernels on the CPU: the very source of a Kernel, compiled by g++ behind a few macros.

Blocks run one after the other. The threads of a block run one after the other too, but where the source waits for
the others (`__syncthreads`): there they are real threads with a barrier, so that a missing barrier shows.
"""

import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

COMPILER = shutil.which("g++")
WHY_NOT = "g++ is missing: it compiles the CUDA kernels for the CPU"
BLOCKS, THREADS = 3, 4  # of a launch: enough that loops step and threads meet

HEADER = """
#include <cmath>
#include <cstring>
#include <utility>
#include <pthread.h>
using namespace std;
#define __global__
#define __device__ static
#define __shared__ static
#define __restrict__
struct Dim { unsigned x, y, z; };
static Dim blockDim{1, 1, 1}, gridDim{1, 1, 1}, blockIdx;
static __thread Dim threadIdx;
static pthread_barrier_t everyone;
#define __syncthreads() pthread_barrier_wait(&everyone)
static unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}
"""

FOOTER = """
static void **arguments;
template <class... A, size_t... I> static void call(void (*f)(A...), index_sequence<I...>) { f(*(A *)arguments[I]...); }
template <class... A> static void call(void (*f)(A...)) { call(f, index_sequence_for<A...>()); }
static void *one(void *thread) { threadIdx.x = (unsigned)(size_t)thread; call(KERNEL); return nullptr; }
extern "C" void launch(unsigned blocks, unsigned threads, void **args) {
    arguments = args; gridDim.x = blocks; blockDim.x = threads;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++) {
#ifdef TOGETHER
        pthread_t all[1024];
        pthread_barrier_init(&everyone, nullptr, threads);
        for (size_t t = 0; t < threads; t++) pthread_create(all + t, nullptr, one, (void *)t);
        for (size_t t = 0; t < threads; t++) pthread_join(all[t], nullptr);
        pthread_barrier_destroy(&everyone);
#else
        for (size_t t = 0; t < threads; t++) one((void *)t);
#endif
    }
}
"""


@functools.cache
def compiled(kernel, real):
    """The `launch` of a kernel, from a library that is kept between runs."""
    source = kernel.source(real)
    together = "#define TOGETHER\n" if "__syncthreads" in source else ""
    whole = f"{together}{HEADER}{source}\n#define KERNEL {kernel.name}\n{FOOTER}"
    folder = Path(tempfile.gettempdir()) / f"specframe-kernels-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    library = folder / f"{kernel.name}-{hashlib.sha256(whole.encode()).hexdigest()[:16]}.so"
    if not library.exists():
        with tempfile.TemporaryDirectory(dir=folder) as place:
            (code := Path(place) / f"{kernel.name}.cpp").write_text(whole)
            made = Path(place) / library.name
            flags = ["-std=c++17", "-O1", "-fPIC", "-shared", "-pthread", "-Wall", "-Wno-unused", "-ffp-contract=off"]
            done = subprocess.run([COMPILER, *flags, code, "-o", made], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            assert not done.stderr, done.stderr
            made.replace(library)
    return ctypes.CDLL(str(library)).launch


def run(kernel, real, args, blocks=BLOCKS, threads=THREADS):
    """Run a kernel; arrays are NumPy arrays, which it writes to."""
    # Each argument at an address, as a launch on a device has it: a structure itself, of an array where it lies.
    whole = [isinstance(arg, np.ndarray) and arg.dtype.names is None for arg in args]
    kept = [np.uint64(arg.ctypes.data) if is_array else arg for arg, is_array in zip(args, whole, strict=True)]
    kept = [np.atleast_1d(np.asarray(arg)) for arg in kept]
    addresses = (ctypes.c_void_p * len(kept))(*(arg.ctypes.data for arg in kept))
    compiled(kernel, np.dtype(real).char)(blocks, threads, addresses)
