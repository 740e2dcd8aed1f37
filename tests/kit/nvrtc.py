"""NVIDIA's run-time compiler from the package index: it makes machine code for a card without a card or a driver."""

import ctypes
import functools
import importlib.util
from pathlib import Path

CUPYS = b"--std=c++17", b"-ftz=true", b"--device-as-default-execution-space"  # what CuPy 14 gives a RawKernel
WHY_NOT = "NVRTC is missing: pip install 'specframe[nvrtc]'"


@functools.cache
def library():
    """The library, or None."""
    try:
        package = importlib.util.find_spec("nvidia.cuda_nvrtc")
    except ModuleNotFoundError:
        return None
    folders = [] if package is None else map(Path, package.submodule_search_locations)
    found = [file for folder in folders for file in sorted(folder.glob("lib/libnvrtc.so.*"))]
    return ctypes.CDLL(str(found[0])) if found else None


def compiled(source, architecture):
    """(machine code, what the compiler says) of a source for a card, as "sm_90"; no code where it refuses.

    That it will give up old cards one day is no word on the source.
    """
    nvrtc, program = library(), ctypes.c_void_p()
    assert not nvrtc.nvrtcCreateProgram(ctypes.byref(program), source.encode(), b"kernel.cu", 0, None, None)
    try:
        flags = (ctypes.c_char_p * 4)(f"-arch={architecture}".encode(), *CUPYS)
        refused = nvrtc.nvrtcCompileProgram(program, len(flags), flags)
        code = b"" if refused else _text(nvrtc, "CUBIN", program)
        lines = _text(nvrtc, "ProgramLog", program).rstrip(b"\0").decode().splitlines()
        return code, "\n".join(line for line in lines if line and "Architectures prior to" not in line)
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _text(nvrtc, what, program):
    size = ctypes.c_size_t()
    assert not getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size))
    text = ctypes.create_string_buffer(size.value)
    assert not getattr(nvrtc, f"nvrtcGet{what}")(program, text)
    return text.raw
