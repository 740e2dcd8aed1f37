"""Effects that must happen once, though the code around them runs twice.

A checkpoint (recompute.py) runs a part of a forward again on the way back. What that part does to the world,
besides computing, goes through `once`:

    first run     result = effect()             log <- result
    second run    result <- log                 the effect does not happen

So batch normalisation moves its running statistics once, and both runs of a dropout layer draw from one key. Where a
first run itself takes several goes, as that of a batch in slices does, each reads what the ones before have logged and
goes on from there.

Logs nest: a nested first run replays the outer log and records its own.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from specframe.nested import Nested


class _Reading:
    """A log, how far it has been read, and whether it grows at its end."""

    def __init__(self, log: list[Any], grows: bool) -> None:
        self.log, self.grows, self.read = log, grows, 0


_logs = Nested[_Reading]()
_DIFFERS = "checkpoint: fn did not do the same in its second run (was train() or eval() called in between?)"


def once(effect: Callable[[], Any]) -> Any:
    """Run `effect()` and return its result; in a second run return that of the first instead.

    Parameters
    ----------
    effect : callable without arguments
        It must not call `once` itself. Its result is kept until the second run, so it should be small.

    Raises
    ------
    RuntimeError
        In a second run that asks for more effects than the first had.
    """
    writing = []
    for reading in reversed(_logs.stack):
        reading.read += 1
        if reading.read <= len(reading.log):
            result = reading.log[reading.read - 1]
            break
        if not reading.grows:
            raise RuntimeError(_DIFFERS)
        writing.append(reading)
    else:
        result = effect()
    for reading in writing:
        reading.log.append(result)
    return result


def logged(log: list[Any]) -> contextlib.AbstractContextManager[None]:
    """A first run: results of effects come from `log`, a list, as far as it goes, and are appended to it from there."""
    return _logs.inside(_Reading(log, grows=True))


@contextlib.contextmanager
def replayed(log: list[Any]) -> Iterator[None]:
    """A second run: while this context lasts, results of effects come from `log`, which stays as it is.

    Raises
    ------
    RuntimeError
        At the end, where results are left over.
    """
    reading = _Reading(log, grows=False)
    with _logs.inside(reading):
        yield
    if reading.read < len(log):
        raise RuntimeError(_DIFFERS)
