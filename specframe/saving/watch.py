"""Has an array changed since it was saved? A handle that holds it by reference would give back the new content.

By default a sample is compared: up to 64 entries, spread over all axes. An update of a whole array (an optimiser's
step, a batch buffer that is filled again) is seen; a change of a few entries between the samples is not. On a device
where reading waits nothing is compared. `Tape(check=True)` compares a checksum of every byte, on every device.
"""

import functools
import math
import zlib
from typing import Any

import numpy as np

from specframe import backend

SAMPLES = 64


def mark(array: Any, exact: bool) -> bytes | int | None:
    """What to compare later: equal marks mean that no change was seen. None where nothing is looked at."""
    b = backend.of("store", array)
    if exact:
        content: Any = np.ascontiguousarray(b.to_host(array))
        return zlib.crc32(content.view(np.uint8).reshape(-1)) if array.size else 0
    if b.reading_waits:
        return None
    return array[_spread(array.shape)].tobytes()  # type: ignore[no-any-return]


@functools.lru_cache(maxsize=4096)
def _spread(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """An index that picks at most SAMPLES entries, as far apart as they come."""
    left = SAMPLES
    index: list[tuple[int, slice]] = []
    for axis, n in sorted(enumerate(shape), key=lambda item: item[1]):  # short axes first: what they leave, others get
        wanted = max(1, math.floor(left ** (1 / (len(shape) - len(index)))))
        step = -(-n // min(wanted, n)) if n else 1
        index.append((axis, slice(None, None, step)))
        left //= max(1, -(-n // step))
    return tuple(picked for _, picked in sorted(index, key=lambda item: item[0]))
