"""CuPy's memory pool as far as a peak goes: arrays in blocks of 512 bytes, and hooks that hear of each.

What is not in it: work areas of cuFFT and cuBLAS, whose sizes only the libraries know.
"""

UNIT = 512  # CuPy's

hooks = {}  # by name, as CuPy keeps them for a thread


class MemoryHook:
    """CuPy's base of hooks: while one is in force it hears of every block that is taken or comes back."""

    name = "MemoryHook"

    def __enter__(self):
        if self.name in hooks:
            raise KeyError(f"memory hook {self.name} already exists")
        hooks[self.name] = self
        return self

    def __exit__(self, *_):
        del hooks[self.name]

    def malloc_postprocess(self, **event):
        pass

    def free_postprocess(self, **event):
        pass


def rounded(nbytes):
    return -(-nbytes // UNIT) * UNIT


def take(nbytes, address=1):
    """A block for so many bytes; its size. Address 0: there was no memory for it."""
    size = rounded(nbytes)
    for hook in hooks.values() if size else ():
        hook.malloc_postprocess(device_id=0, size=nbytes, mem_size=size, mem_ptr=address, pmem_id=address)
    return size


def give(size):
    """A block comes back."""
    for hook in hooks.values() if size else ():
        hook.free_postprocess(device_id=0, mem_size=size, mem_ptr=1, pmem_id=1)


def pass_through(*sizes):
    """Blocks of a call that are all there at once and gone when it returns; beside its result, where that is named."""
    if hooks:
        for taken in [take(nbytes) for nbytes in sizes]:
            give(taken)
