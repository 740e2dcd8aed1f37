"""One net in training: the state that lets it stop and go on at any batch."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from specframe.layers import Module
from specframe.optim import Optimizer, Schedule
from specframe.training.checkpoint import CheckpointError
from specframe.training.fingerprint import fingerprint
from specframe.training.history import History
from specframe.training.interrupt import Interrupt
from specframe.training.loop import finish_epoch, line, run_epoch
from specframe.training.output import say
from specframe.training.parallel.team import ALONE, Team
from specframe.training.step import TrainingError

if TYPE_CHECKING:
    from specframe.data import DataLoader

PROGRESS = {"epoch": int, "batch": int, "seen": int, "loss_sum": float, "seconds": float}


class Training:
    """One net in training: model, optimiser, schedule, and how far they have come.

    Attributes
    ----------
    epoch : int, epochs finished
    batch : int, batches of the current epoch that are done
    loss_sum, seen, seconds : of the current epoch so far
    history : History of the finished epochs
    best : dict, `model.state_dict()` after the epoch with the highest test accuracy so far (empty before the first)
    data : dict, the `fingerprint` of the training and of the test set (empty before the first batch)
    """

    def __init__(self, model: Module, optimizer: Optimizer, schedule: Schedule):
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.epoch = self.batch = self.seen = 0
        self.loss_sum = self.seconds = 0.0
        self.history = History()
        self.best: dict[str, Any] = {}
        self.data: dict[str, Any] = {}
        self._resumed = False  # whether the data have yet to be compared with those of the state that was loaded

    def state_dict(self) -> dict[str, Any]:
        """Everything that a resumed run needs, as a nested dict of arrays and numbers."""
        return {
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(), "progress": {name: getattr(self, name) for name in PROGRESS},
            "history": self.history.as_dicts(), "best": self.best, "data": self.data,
        }  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what `state_dict` gave. The next `run` must be on the same data.

        Raises
        ------
        CheckpointError
            It is not the state of such a training: nothing is loaded then.
        """
        before = self.state_dict()
        try:
            self._load(state)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self._load(before)
            raise CheckpointError(f"not the state of this training: {_reason(error)}") from None
        self._resumed = True

    def _load(self, state: Mapping[str, Any]) -> None:
        progress, best, data = state["progress"], state["best"], state["data"]
        if not isinstance(best, dict) or not isinstance(data, dict):
            raise ValueError("expected the best weights and the data to be dicts")
        if progress.keys() != PROGRESS.keys():
            raise ValueError(f"expected the progress to be {', '.join(PROGRESS)}, got {', '.join(map(str, progress))}")
        for name, kind in PROGRESS.items():
            if type(progress[name]) is not kind or not progress[name] >= 0:
                raise ValueError(f"{name} is {progress[name]!r}, expected {kind.__name__}, 0 or more")
        self.model.load_state_dict(state["model"])
        shapes = {name: np.shape(array) for name, array in state["model"].items()}
        if best and {name: np.shape(array) for name, array in best.items()} != shapes:
            raise ValueError("the best weights are those of another net")
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.history, self.best, self.data = History.from_dicts(state["history"]), best, data
        for name in PROGRESS:
            setattr(self, name, progress[name])

    def run(
        self,
        train: "DataLoader",
        test: "DataLoader",
        epochs: int,
        *,
        store: Any = "auto",
        recompute: Any = None,
        name: str = "",
        before_epoch: Callable[["Training"], Any] | None = None,
        on_epoch: Callable[["Training"], Any] | None = None,
        progress: bool = True,
        team: Team = ALONE,
    ) -> bool:
        """Train until `epochs` epochs are done, from wherever this training stands.

        Parts of the model that `eval()` has frozen stay so, unless the whole model is in evaluation mode.

        Parameters
        ----------
        train, test : DataLoader
        epochs : int, in total; more than before where the schedule has no fixed end
        store, recompute : as in Tape
        name : str, shown in front of the progress bar
        before_epoch : callable or None
            Called with this Training before each epoch, and before the rest of one; a BetaWarmup, for example.
        on_epoch : callable or None
            Called with this Training after each epoch, before anything is printed, and before an early return.
        progress : bool, whether to show a bar and a line an epoch
        team : Team
            The ranks that train this net together; the loaders give this rank's part of the batches (`shard`). All run
            the same calls, on_epoch only rank 0. It may be of another size than the one whose state was loaded.

        Returns
        -------
        bool
            True when all epochs are done; False when Ctrl-C stopped it, or another rank, between two batches.

        Raises
        ------
        TrainingError
            The loss is no longer a finite number (the sentence names the layer where that began), or the schedule ends
            before the epochs do.
        CheckpointError
            The state that was loaded is of a training on other data.
        ValueError
            A rank has other code, data, or another net than rank 0, or some ranks would have no image of a full batch.
        """
        if min(train.batch_size, len(train.dataset)) < team.size:
            raise ValueError(f"batches of {train.batch_size} images are too small for {team.size} ranks")
        self._check_steps(epochs, len(train))
        self._check_data(train.dataset, test.dataset)
        team.start(self.model, data=self.data)
        try:
            with Interrupt() as interrupt:
                while self.epoch < epochs:
                    if before_epoch is not None:
                        before_epoch(self)
                    done = run_epoch(self, train, epochs, store, recompute, name, progress, interrupt, team)
                    stop = team.any(interrupt.requested)
                    finished = done and not stop
                    if finished:
                        finish_epoch(self, train, test, store, recompute, team)
                        stop = team.any(interrupt.requested)
                    if on_epoch is not None and team.first:
                        on_epoch(self)
                    if finished and progress:
                        say(line(name, self.history[-1], epochs))
                    if stop:
                        return False
            return True
        finally:
            train.backend.give_back()

    def _check_steps(self, epochs: int, steps_per_epoch: int) -> None:
        total, steps = self.schedule.total, epochs * steps_per_epoch
        if total is not None and steps > total:
            raise TrainingError(
                f"{epochs} epochs are {steps} steps, but {type(self.schedule).__name__} was made for {total}; only a"
                " schedule without a fixed total (ConstantLR, StepLR, ...) can go on for longer"
            )

    def _check_data(self, train: Any, test: Any) -> None:
        found = {"train": fingerprint(train), "test": fingerprint(test)}
        if self._resumed and self.data:
            for name, data in found.items():
                if data != self.data.get(name):
                    raise CheckpointError(
                        f"the checkpoint is of a training on other {name} data: {self.data.get(name)}, here {data}"
                    )
        self.data, self._resumed = found, False


def _reason(error: Exception) -> str:
    return f"it lacks {error}" if isinstance(error, KeyError) else f"{error}"[:250]


def fit(
    model: Module,
    train: "DataLoader",
    test: "DataLoader",
    optimizer: Optimizer,
    schedule: Schedule,
    epochs: int,
    **options: Any,
) -> Training:
    """Train a model and return its Training, with the history and the best weights.

    Parameters
    ----------
    model : Module, optimizer : Optimizer, schedule : Schedule
    train, test, epochs, **options : as in Training.run

    Raises
    ------
    TrainingError
        As Training.run does.
    """
    training = Training(model, optimizer, schedule)
    training.run(train, test, epochs, **options)
    return training
