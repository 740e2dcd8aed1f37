"""What a run prints. A closed terminal, a full disk behind `>` or a finished `| head` never ends a training."""

import contextlib
import os
import sys

from tqdm import tqdm


def say(text: str) -> None:
    """Print a line, at once and above any progress bar.

    When that fails, nothing is raised: from then on the process writes its standard output to nowhere.
    """
    out = sys.stdout
    if out is None or out.closed:
        return
    try:
        tqdm.write(text, file=out)
        out.flush()
    except OSError:
        # Python would try again to write what is left, at the latest at its end, and fail with a traceback.
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, out.fileno())
            os.close(nowhere)


def bar(description: str, total: int, done: int, wanted: bool) -> "tqdm[None]":
    """A progress bar in images on stderr; hidden where it is not wanted, or stderr is no terminal, or closed."""
    seen = wanted and sys.stderr is not None and not sys.stderr.closed
    return tqdm(
        total=total, initial=done, desc=description, unit="img", leave=False, disable=None if seen else True,
        dynamic_ncols=True, mininterval=0.3,
    )  # fmt: skip
