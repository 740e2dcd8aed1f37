"""Ctrl-C without losing work: the first one asks the loop to stop at the next batch, the second one stops at once.

SIGTERM (a termination request) and SIGHUP (the terminal was closed) are as the first, however often they come.

The second one is a KeyboardInterrupt: whatever is being written is undone, and the last whole checkpoint stays. So is
any Ctrl-C before and after the loop. A program ends quietly by catching it around everything:

    try:
        status = main()
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)
"""

import signal
import threading
from types import FrameType
from typing import Any

STOPPING = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupt:
    """Context manager around a training loop. A signal that the process ignores (nohup) stays ignored.

    Attributes
    ----------
    requested : bool
        Whether Ctrl-C, SIGTERM or SIGHUP has come.
    """

    def __init__(self) -> None:
        self.requested = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            for number in STOPPING:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):  # None: not set from Python
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
