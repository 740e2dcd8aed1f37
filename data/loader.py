"""Batches from a data set: shuffled by a seed, in the framework's layout, prepared ahead on a thread.

Nothing here has a state that training would have to save. The order of epoch e follows from (seed, e) and nothing
else, and a batch from its epoch and its number, so `loader.epoch(e, start)` resumes anywhere, and the batches are the
same with and without a thread.
"""

import collections
import concurrent.futures
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from specframe import backend
from specframe.data.dataset import Dataset


class DataLoader:
    """Iterates over a `Dataset` in batches (x, y).

    x is (rows, cols, batch, channels) float32 and contiguous, y is (batch,) int64, both arrays of the device's
    backend. `for x, y in loader` runs epoch 0; the next such loop runs epoch 1, and so on.

    Parameters
    ----------
    dataset : Dataset
        Anything with `images` (N, channels, rows, cols) and `labels` (N,) will do.
    batch_size : int
    shuffle : bool
        A new order each epoch, from `seed`; otherwise the data set's own.
    seed : int
        Not negative.
    drop_last : bool
        Leave out the last batch of an epoch when it is smaller than the others.
    device : {"auto", "cpu", "cuda"} or Backend
    prefetch : int
        How many batches are made ahead, on one thread; 0 makes each when it is asked for, without a thread.
    shard : (rank, size)
        Give this one of `size` parts of each batch, as even as may be; some of a small batch are empty. Batches, their
        order and what the transform draws are those of the whole: it gets the whole batch.
    transform : callable, optional
        `transform(x, key) -> x`, for augmentation, such as `specframe.data.Augment`: gets the batch as a NumPy array
        (batch, channels, rows, cols) that it may write to, and returns one of as many samples. key is (seed, epoch,
        batch number). Draw from `np.random.default_rng([*key, 1])`, not from the key alone: NumPy ignores zeros at the
        end of a seed, so the first batch would get the very numbers behind the shuffle.

    Raises
    ------
    ValueError
        A number out of range, or no batch at all because `drop_last` drops every sample.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        shuffle: bool = False,
        seed: int = 0,
        drop_last: bool = False,
        device: Any = "auto",
        prefetch: int = 2,
        transform: Callable[[Any, Sequence[int]], Any] | None = None,
        shard: tuple[int, int] = (0, 1),
    ) -> None:
        self.dataset, self.shuffle, self.drop_last, self.transform = dataset, shuffle, drop_last, transform
        self.batch_size = _whole("batch_size", batch_size, least=1)
        self.seed = _whole("seed", seed, least=0)
        self.prefetch = _whole("prefetch", prefetch, least=0)
        rank, size = shard
        self.shard = _whole("the rank of shard", rank, least=0), _whole("the size of shard", size, least=1)
        if rank >= size:
            raise ValueError(f"DataLoader: expected a rank below the size of shard, got {shard}")
        self.backend = backend.get(device)
        self._next_epoch = 0
        if len(self) == 0:
            raise ValueError(
                f"DataLoader: expected at least one batch, got {len(dataset)} samples for batch_size {batch_size}"
                f" with drop_last={drop_last}"
            )

    def __len__(self) -> int:
        """Number of batches in an epoch."""
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        epoch = self._next_epoch
        self._next_epoch += 1
        return self.epoch(epoch)

    def order(self, epoch: int) -> npt.NDArray[np.int64]:
        """Indices of the samples in the order of an epoch, (N,) int64."""
        if not self.shuffle:
            return np.arange(len(self.dataset))
        return np.random.default_rng([self.seed, epoch]).permutation(len(self.dataset))

    def epoch(self, epoch: int, start: int = 0) -> Iterator[tuple[Any, Any]]:
        """Iterator over the batches of one epoch.

        Parameters
        ----------
        epoch : int
            Counted from 0.
        start : int
            Number of the first batch to give, 0 to len(loader): that many have been used already.

        Raises
        ------
        ValueError
            A number out of range. Errors of `transform` are raised where its batch is asked for.
        """
        epoch, start = _whole("epoch", epoch, least=0), _whole("start", start, least=0)
        if start > len(self):
            raise ValueError(f"DataLoader: expected start from 0 to {len(self)}, got {start}")
        return self._move(self._host_batches(epoch, range(start, len(self))))

    def _move(self, host_batches):
        # In the caller's thread, so that the arrays belong to the caller's current device and stream.
        try:
            for x, y in host_batches:
                yield self.backend.asarray(x), self.backend.asarray(y)
        finally:
            host_batches.close()

    def _host_batches(self, epoch, numbers):
        order = self.order(epoch)
        if self.prefetch == 0:
            for number in numbers:
                yield self._host_batch(order, epoch, number)
            return
        # The pool never has more than `prefetch` batches to make or to keep: one is submitted for each one taken.
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="specframe-loader")
        try:
            pending = collections.deque()
            for number in numbers:
                pending.append(pool.submit(self._host_batch, order, epoch, number))
                if len(pending) > self.prefetch:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # Reached at the end, on an error, and when the loop over the batches is left early: at most the batch that
            # is being made is waited for.
            pool.shutdown(cancel_futures=True)

    def _host_batch(self, order, epoch, number):
        index = order[number * self.batch_size : (number + 1) * self.batch_size]
        rank, size = self.shard
        mine = slice(len(index) * rank // size, len(index) * (rank + 1) // size)
        if self.transform is None:
            x = self.dataset.images[index[mine]]
        else:
            x = self.transform(self.dataset.images[index], (self.seed, epoch, number))[mine]
        # (batch, channels, rows, cols) -> (rows, cols, batch, channels)
        return np.ascontiguousarray(x.transpose(2, 3, 0, 1), dtype=np.float32), self.dataset.labels[index[mine]]


def _whole(name, value, least):
    """`value` as an int of at least `least`, or a ValueError that names it."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise ValueError(f"DataLoader: expected {name} to be a whole number of at least {least}, got {value!r}")
    return number
