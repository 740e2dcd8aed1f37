"""Team: the ranks that train one net together, as a training loop sees them.

    with team.batch(len(y)), Tape() as tape:        each rank has its part of the batch
        loss = ...(model(x), y)                     the mean over that part
    optimizer.zero_grad()
    loss = team.backward(tape, loss)                the gradients, and the loss, of the mean over the whole batch
    optimizer.step()                                the same step everywhere

One process alone is a team too; there all this costs nothing.
"""

import contextlib
import json
import os
import sys
import time
import traceback
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from specframe import backend, parts
from specframe.layers import Module
from specframe.tape import Tape
from specframe.tensor import Tensor
from specframe.training.parallel.buckets import Buckets
from specframe.training.parallel.communicator import PATIENCE, Communicator, Single
from specframe.training.parallel.nccl import between_gpus
from specframe.training.parallel.share import Share
from specframe.training.run_folder import run_folder

PACKAGE = Path(__file__).parents[2]
TURN = 2.0  # seconds that the other ranks leave to rank 0 to report what all have met


class Team:
    """Ranks that train one net together.

    As a context manager it ends all ranks where one of them fails: one message on stderr names the rank and the cause,
    and the exit status is 2 for the errors that specframe documents, 130 for Ctrl-C, else 1.

    Parameters
    ----------
    communicator : Communicator or None
        None: one rank alone.

    Attributes
    ----------
    rank, size : int
    first : bool, whether this is rank 0, which prints and writes
    shard : (rank, size), for a DataLoader
    images : int, of the running batch, in all ranks
    stop : bool, whether one rank was asked to stop when the running batch began
    stopped_by : str, " in rank 1" where rank 1 of several was asked, for a message; else ""
    """

    def __init__(self, communicator: Communicator | None = None) -> None:
        self.communicator = communicator or Single()
        self.rank, self.size = self.communicator.rank, self.communicator.size
        self.shard, self.first = (self.rank, self.size), self.rank == 0
        self.images, self.stop, self.stopped_by = 0, False, ""
        self._share = Share(self.communicator, [1] * self.size)

    # ---- one step ----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def batch(self, images: int, stop: bool = False) -> Iterator[None]:
        """What runs inside is a part, of so many images, of a batch whose other parts run on the other ranks.

        Sums over the batch, as batch normalisation's, go over all of them, and dropout draws what it would draw for
        the whole batch. No part need be as large as another; some may be empty. `self.stop` is whether one of the
        ranks has been asked to stop.
        """
        if self.size == 1:
            self.images, self.stop = images, stop
            yield
            return
        known = self.communicator.gather(np.array([float(images), float(stop)]))
        sizes = [int(count) for count in known[:, 0]]
        self._share, self.images, self.stop = Share(self.communicator, sizes), sum(sizes), self._asked(known[:, 1])
        with parts.running.inside(self._share):
            yield

    def backward(self, tape: Tape, loss: Tensor) -> Tensor:
        """Add the gradient of the mean over the whole batch to `.grad` of the leaves, and return that mean.

        Parameters
        ----------
        tape : Tape
        loss : Tensor (), the mean over this rank's part of the last `batch`
        """
        if self.size == 1:
            tape.backward(loss)
            return loss
        leaves = [(leaf, leaf.grad) for leaf in tape.leaves]
        for leaf, _ in leaves:
            leaf.grad = None
        buckets, weight = Buckets(self.communicator), loss.backend.asarray(np.asarray(self._share.weight, loss.dtype))
        whole: list[Any] = []
        buckets.add(loss.data.reshape(1) * weight, whole.append)
        with parts.running.inside(self._share):
            tape.backward(loss, weight, lambda leaf: buckets.add(leaf.grad, lambda g: setattr(leaf, "grad", g)))
        buckets.finish()
        for leaf, before in leaves:
            if before is not None:
                leaf.grad = before if leaf.grad is None else before + leaf.grad
        return Tensor(whole[0].reshape(()))

    def seed(self, seed: int) -> int:
        """A seed of this rank's own, from one that all have; rank 0 takes that one."""
        return seed if self.first else int(np.random.SeedSequence([seed, self.rank]).generate_state(1, np.uint64)[0])

    @contextlib.contextmanager
    def run_folder(self, path: str | os.PathLike[str], **options: bool) -> Iterator[Path]:
        """The folder of results, which rank 0 holds for the run: as `run_folder` of specframe.training."""
        if self.first:
            with run_folder(path, **options) as out:
                yield out
        else:
            yield Path(path).expanduser()

    # ---- what all know -----------------------------------------------------------------------------------------

    def sum(self, *numbers: float) -> list[float]:
        """Each number summed over the ranks, in their order, in double precision."""
        return [float(sum(column)) for column in self.communicator.gather(np.array(numbers, np.float64)).T]

    def any(self, flag: bool) -> bool:
        """Whether one rank at least says so; `stopped_by` then names those that do."""
        return flag if self.size == 1 else self._asked(self.communicator.gather(np.array([float(flag)]))[:, 0])

    def _asked(self, flags: Any) -> bool:
        ranks = [str(rank) for rank, flag in enumerate(flags) if flag]
        self.stopped_by = f" in rank {' and '.join(ranks)}" if ranks else self.stopped_by
        return bool(ranks)

    def start(self, model: Module, **same: Any) -> None:
        """Begin: rank 0's parameters and buffers for all, once it is sure that all run the same program.

        Parameters
        ----------
        model : Module
        **same : JSON values
            What must be the same everywhere, as options, or fingerprints of the data; the code is compared as well.

        Raises
        ------
        ValueError
            A rank differs; it is named, and in what.
        """
        if self.size == 1:
            return
        shapes = [[name, list(p.shape), str(p.dtype)] for name, p in model.named_parameters()]
        same = {"code": code_fingerprint(), "network": shapes} | same
        found = self.communicator.gather(np.array([_checksum(value) for value in same.values()], np.float64))
        for rank, checksums in enumerate(found):
            for name, here, there in zip(same, checksums, found[0], strict=True):
                if here != there:
                    if not self.first:
                        time.sleep(PATIENCE)  # all have found this; rank 0 says it, and ends those that wait here
                    raise ValueError(f"rank {rank} has other {name} than rank 0")
        self.communicator = between_gpus(self.communicator, backend.get(model.device))
        for array in [p.data for p in model.parameters()] + model.buffers():
            self.communicator.broadcast(array)

    # ---- the end -----------------------------------------------------------------------------------------------

    def __enter__(self) -> "Team":
        if not self.first:  # rank 0 speaks for all
            sys.stdout, sys.stderr = open(os.devnull, "w"), open(os.devnull, "w")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        if self.size == 1 or error is None:
            return
        # Where all have met the same, as a file that is missing, rank 0 speaks, and ends the others before their turn.
        time.sleep(0 if self.first else TURN + 0.1 * self.rank)
        status, message = 1, ""
        if isinstance(error, SystemExit):
            if not error.code:
                return
            status = error.code if isinstance(error.code, int) else 1
        elif isinstance(error, KeyboardInterrupt):
            status, message = 130, "stopped by Ctrl-C"
        elif isinstance(error, ValueError | RuntimeError | OSError):  # all errors that specframe documents are of these
            status, message = 2, str(error)
        else:
            message = "".join(traceback.format_exception(error)).rstrip()
        self.communicator.abort(status, message and f"{Path(sys.argv[0]).name}: error: rank {self.rank}: {message}\n")


ALONE = Team()


def _checksum(value: Any) -> int:
    return zlib.crc32(json.dumps(value, sort_keys=True, default=str).encode())


def code_fingerprint() -> int:
    """A checksum of the program's file and of every file of specframe; not of what lies beside them in a checkout."""
    inside = [found for part in PACKAGE.glob("*/__init__.py") for found in part.parent.rglob("*.py")]
    crc = 0
    for path in [Path(sys.argv[0]), *sorted([*PACKAGE.glob("*.py"), *inside])]:
        with contextlib.suppress(OSError):
            crc = zlib.crc32(path.read_bytes(), crc)
    return crc
