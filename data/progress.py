"""Progress bars and notices on stderr, which may be a file, full, or closed."""

import contextlib
import sys
from typing import Any

from tqdm import tqdm


def bar(total: int, name: str, unit: str, delay: float = 0) -> Any:
    """A tqdm bar, shown where stderr is a terminal and the work takes longer than `delay` seconds."""
    silent = True if sys.stderr is None else None  # None: tqdm asks whether stderr is a terminal
    scale = unit == "B"
    return tqdm(total=total, desc=name, unit=unit, unit_scale=scale, leave=False, disable=silent, delay=delay)


def say(line: str) -> None:
    """One line on stderr; what cannot be said is no reason to stop."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)
