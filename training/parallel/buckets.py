"""Buckets of gradients: full ones are summed over the ranks while the walk back goes on.

One message for many small gradients, since each message costs some time whatever its size; several for all, since the
first can be under way while the layers before are still being worked on.
"""

from collections.abc import Callable
from typing import Any

from specframe import backend
from specframe.training.parallel.communicator import Communicator, Pending

BUCKET_BYTES = 1 << 20


class Buckets:
    """Sums of many arrays over the ranks, which add them in the same order.

    Parameters
    ----------
    communicator : Communicator
    bucket_bytes : int, from which on a bucket is sent
    """

    def __init__(self, communicator: Communicator, bucket_bytes: int = BUCKET_BYTES) -> None:
        self._communicator, self._bucket_bytes = communicator, bucket_bytes
        self._filling: dict[Any, list[tuple[Any, Callable[[Any], object]]]] = {}  # by dtype
        self._sent: list[tuple[Pending, Any, list[tuple[Any, Callable[[Any], object]]]]] = []

    def add(self, array: Any, give: Callable[[Any], object]) -> None:
        """Put an array into a bucket; `give(sum)` gets what it comes to, of the same shape, its own to change."""
        bucket = self._filling.setdefault(array.dtype, [])
        bucket.append((array, give))
        if sum(array.nbytes for array, _ in bucket) >= self._bucket_bytes:
            self._send(self._filling.pop(array.dtype))
        elif self._sent:
            self._sent[-1][0].done()

    def finish(self) -> None:
        """Send what is left, wait for all sums, and give them away."""
        for bucket in self._filling.values():
            self._send(bucket)
        self._filling.clear()
        for pending, numbers, bucket in self._sent:
            pending.wait()
            start = 0
            for array, give in bucket:
                give(numbers[start : start + array.size].reshape(array.shape))
                start += array.size
        self._sent.clear()

    def _send(self, bucket: list[tuple[Any, Callable[[Any], object]]]) -> None:
        xp = backend.of("sum over the ranks", *(array for array, _ in bucket)).xp
        numbers = xp.concatenate([array.reshape(-1) for array, _ in bucket])
        self._sent.append((self._communicator.start_sum(numbers), numbers, bucket))
