"""Effects that must happen once, though the code around them runs twice.

A checkpoint (specframe/checkpoint.py) runs a part of a forward again on the way back. What that part does to the world,
besides computing, goes through `once`:

    first run     result = effect()             log <- result
    second run    result <- log                 the effect does not happen

So batch normalisation moves its running statistics once, and both runs of a dropout layer draw from one key.

Logs nest. A first run inside a second one (a checkpoint inside a checkpoint) reads from the outer log and writes its
own, from which the third run reads.
"""

import contextlib
import threading
from collections import deque


class _Logs(threading.local):
    """The logs in force in this thread, outermost first: a list is being written, a deque is being read."""

    def __init__(self):
        self.stack = []


_logs = _Logs()
_DIFFERS = "checkpoint: fn did not do the same in its second run (was train() or eval() called in between?)"


def once(effect):
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
    for log in reversed(_logs.stack):
        if isinstance(log, deque):
            if not log:
                raise RuntimeError(_DIFFERS)
            result = log.popleft()
            break
        writing.append(log)
    else:
        result = effect()
    for log in writing:
        log.append(result)
    return result


@contextlib.contextmanager
def logged(log):
    """A first run: while this context lasts, results of effects are appended to `log`, a list."""
    _logs.stack.append(log)
    try:
        yield
    finally:
        _logs.stack.pop()


@contextlib.contextmanager
def replayed(log):
    """A second run: while this context lasts, results of effects come from `log`, which stays as it is.

    Raises
    ------
    RuntimeError
        At the end, where results are left over.
    """
    rest = deque(log)
    with logged(rest):
        yield
    if rest:
        raise RuntimeError(_DIFFERS)
