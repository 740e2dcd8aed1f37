"""The memory of this process: what the allocator keeps, and what the system says it holds."""

import contextlib
import ctypes
import functools
import os
import sys


@functools.cache
def keep_freed_memory(up_to=256 << 20, blocks_below=64 << 20):
    """Ask glibc, once in a process, to keep freed blocks for the next array instead of returning them to the system.

    A step allocates and frees the same arrays over and over, each of a size that glibc by default takes from the
    system anew, page by page: on some virtual machines that is half of the step (docs/performance.md). At most `up_to`
    bytes of free memory are kept, and blocks from `blocks_below` on are returned as before. SPECFRAME_KEEP_FREED=0
    leaves the allocator alone; other C libraries do not have the setting.
    """
    if os.environ.get("SPECFRAME_KEEP_FREED") == "0" or not sys.platform.startswith("linux"):
        return
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        if hasattr(libc, "gnu_get_libc_version"):
            libc.mallopt(mmap_threshold, blocks_below)
            libc.mallopt(trim_threshold, up_to)


def resident_bytes():
    """Resident memory of this process now, in bytes (0 where the system does not say)."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
