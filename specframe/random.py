"""Where randomness that nobody gave a seed comes from: one stream for the whole process.

Layers without a seed take the next number of this stream, so no two of them are alike. Until `manual_seed` is called,
the numbers are the operating system's; from then on they follow from its seed, and a script that makes the same
layers in the same order makes the same numbers.
"""

import secrets
import threading

import numpy as np

_lock = threading.Lock()
_stream: np.random.Generator | None = None  # None: numbers from the operating system, also after a fork
_BELOW = 1 << 63  # seeds fit into an int64


def manual_seed(seed: int | None) -> None:
    """Start the process's stream of random numbers anew, from `seed`.

    What follows is reproducible as long as one thread does it: threads that draw beside each other share the stream.
    A forked process goes on from where its parent stood.

    Parameters
    ----------
    seed : int, 0 or more, or None
        None goes back to numbers that differ from run to run.

    Raises
    ------
    ValueError
        Anything else.
    """
    global _stream
    if seed is not None and not (isinstance(seed, int | np.integer) and seed >= 0):
        raise ValueError(f"manual_seed: the seed must be a whole number, 0 or more, got {seed!r}")
    with _lock:
        _stream = None if seed is None else np.random.default_rng(int(seed))


def next_seed() -> int:
    """The next number of the stream, 0 to 2^63 - 1: a seed for whoever was given none.

    >>> manual_seed(7)
    >>> first = next_seed(), next_seed()
    >>> manual_seed(7)
    >>> first == (next_seed(), next_seed()) and first[0] != first[1]
    True
    >>> manual_seed(None)
    """
    with _lock:
        return secrets.randbelow(_BELOW) if _stream is None else int(_stream.integers(_BELOW))


def generator() -> np.random.Generator:
    """A NumPy Generator of its own, seeded by the next number of the stream."""
    return np.random.default_rng(next_seed())
