"""Ctrl-C without losing work: the first one asks the loop to stop at the next batch, the second one stops at once."""

import signal
import threading


class Interrupt:
    """Context manager around a training loop.

    Attributes
    ----------
    requested : bool
        Whether Ctrl-C (or a termination request) has come.
    """

    def __init__(self):
        self.requested = False
        self._previous = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():  # elsewhere Python allows no handlers
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *error):
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number, frame):
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
