"""Communicator: what ranks, processes that train one net together, ask of each other. And the one of a rank alone."""

import sys
from typing import Any, NoReturn, Protocol

import numpy as np
import numpy.typing as npt

PATIENCE = 5  # seconds that a rank waits to be ended by another one that has said why


class Pending(Protocol):
    """A sum that is under way."""

    def done(self) -> bool:
        """Whether it is there. Asking also moves it on."""
        ...

    def wait(self) -> None:
        """Return when it is there."""
        ...


class Communicator(Protocol):
    """All ranks call the same methods in the same order; abort is the exception.

    Attributes
    ----------
    rank : int, 0 to size - 1
    size : int
    """

    rank: int
    size: int

    def start_sum(self, array: Any) -> Pending:
        """Begin to put the sum over all ranks into `array`, contiguous, of one shape and dtype everywhere.

        It is bit-equal on all ranks. Nobody may touch the array before it is there.
        """
        ...

    def gather(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The vectors of all ranks, of one length n, in the order of the ranks: (size, n)."""
        ...

    def broadcast(self, array: Any) -> None:
        """Put rank 0's numbers into `array`, contiguous, of one shape and dtype everywhere."""
        ...

    def barrier(self) -> None:
        """Return when all ranks have come here."""
        ...

    def abort(self, status: int, message: str) -> NoReturn:
        """End all ranks at once, with this exit status and this message on stderr, the first of those that abort."""
        ...


class Ready:
    """A sum that was there at once."""

    def done(self) -> bool:
        return True

    def wait(self) -> None:
        pass


class Single:
    """One rank alone."""

    rank, size = 0, 1

    def start_sum(self, array: Any) -> Pending:
        return Ready()

    def gather(self, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return numbers[None]

    def broadcast(self, array: Any) -> None:
        pass

    def barrier(self) -> None:
        pass

    def abort(self, status: int, message: str) -> NoReturn:
        sys.stderr.write(message)
        sys.exit(status)
