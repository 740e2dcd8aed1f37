"""The training loop, and the state that lets it stop and go on at any batch."""

import math
import time

import numpy as np
from tqdm import tqdm

from specframe import backend, ops
from specframe.tape import Tape
from specframe.tensor import Tensor
from specframe.training.allocator import keep_freed_memory
from specframe.training.diagnose import first_bad_layer
from specframe.training.evaluate import evaluate, step_cost
from specframe.training.history import Epoch, History
from specframe.training.interrupt import Interrupt


class TrainingError(RuntimeError):
    """Training cannot go on; one sentence says where it broke."""


class Training:
    """One net in training: model, optimiser, schedule, and how far they have come.

    Attributes
    ----------
    epoch : int, epochs finished
    batch : int, batches of the current epoch that are done
    loss_sum, seen, seconds : of the current epoch so far
    history : History of the finished epochs
    best : dict, `model.state_dict()` after the epoch with the highest test accuracy so far (empty before the first)
    """

    def __init__(self, model, optimizer, schedule):
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.epoch = self.batch = self.seen = 0
        self.loss_sum = self.seconds = 0.0
        self.history, self.best = History(), {}

    def state_dict(self):
        """Everything that a resumed run needs, as a nested dict of arrays and numbers."""
        progress = {name: getattr(self, name) for name in ("epoch", "batch", "seen", "loss_sum", "seconds")}
        return {
            "model": self.model.state_dict(), "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(), "progress": progress, "history": self.history.as_dicts(),
            "best": self.best,
        }  # fmt: skip

    def load_state_dict(self, state):
        """Take what `state_dict` gave; raises ValueError or KeyError where it does not fit."""
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        for name, value in state["progress"].items():
            setattr(self, name, value)
        self.history, self.best = History.from_dicts(state["history"]), state["best"]

    def run(self, train, test, epochs, *, store="auto", recompute=None, name="", on_epoch=None, progress=True):
        """Train until `epochs` epochs are done, from wherever this training stands.

        Parameters
        ----------
        train, test : DataLoader
        epochs : int, in total
        store, recompute : as in Tape
        name : str, shown in front of the progress bar
        on_epoch : callable or None, called with this Training after each epoch and before an early return
        progress : bool, whether to show a bar and a line an epoch

        Returns
        -------
        bool
            True when all epochs are done; False when Ctrl-C stopped it between two batches.

        Raises
        ------
        TrainingError
            The loss is no longer a finite number; the sentence names the layer where that began.
        """
        with Interrupt() as interrupt:
            while self.epoch < epochs:
                done = _run_epoch(self, train, epochs, store, recompute, name, progress, interrupt)
                if done and not interrupt.requested:
                    _finish_epoch(self, train, test, store, recompute)
                    if progress:
                        tqdm.write(_line(name, self.history[-1], epochs))
                if on_epoch is not None:
                    on_epoch(self)
                if interrupt.requested:
                    return False
        return True


def fit(model, train, test, optimizer, schedule, epochs, **options):
    """Train a model and return its Training, with the history and the best weights.

    Parameters
    ----------
    model : Module, optimizer : SGD or alike, schedule : Schedule
    train, test, epochs, **options : as in Training.run

    Raises
    ------
    TrainingError
        As Training.run does.
    """
    training = Training(model, optimizer, schedule)
    training.run(train, test, epochs, **options)
    return training


def train_step(model, optimizer, x, y, store="auto", recompute=None, seed=None):
    """Forward, backward, update on one batch; returns the loss as a Tensor. `store`, `recompute`, `seed` as in Tape.

    From the first step on, the process keeps freed memory for the next one (training/allocator.py).

    Raises
    ------
    TrainingError
        The loss is not a finite number (on a GPU, reading it would make the host wait: there the loop looks later).
    """
    keep_freed_memory()
    with Tape(store=store, recompute=recompute, seed=seed) as tape:
        loss = ops.softmax_cross_entropy(model(Tensor(x)), y)
    if not loss.backend.reading_waits and not math.isfinite(loss.item()):
        raise TrainingError(_explanation(model, x, loss.item()))
    optimizer.zero_grad()
    tape.backward(loss)
    optimizer.step()
    return loss


def _explanation(model, x, loss):
    place = first_bad_layer(model, x)
    where = f", first in {place}" if place else ""
    return f"the loss became {loss}{where}: try a smaller learning rate"


def _run_epoch(training, train, epochs, store, recompute, name, progress, interrupt):
    """The remaining batches of the current epoch; False when interrupted before the last."""
    model, optimizer = training.model.train(), training.optimizer
    bar = tqdm(
        total=len(train.dataset), initial=training.seen, desc=f"{name} epoch {training.epoch + 1}/{epochs}".strip(),
        unit="img", leave=False, disable=None if progress else True, dynamic_ncols=True, mininterval=0.3,
    )  # fmt: skip
    batches = train.epoch(training.epoch, start=training.batch)
    # A scalar on the device: reading the loss of every batch would make the host wait each time.
    total = train.backend.asarray(np.asarray(training.loss_sum))
    shown = started = time.perf_counter()
    with bar:
        for x, y in batches:
            try:
                # every step has draws of its own, and a resumed run those of the unbroken one
                step = training.epoch * len(train) + training.batch
                loss = train_step(model, optimizer, x, y, store, recompute, step)
            except TrainingError as error:
                batches.close()
                raise TrainingError(f"epoch {training.epoch + 1}, batch {training.batch + 1}: {error}") from None
            training.schedule.step()
            total = total + loss.data.astype(np.float64) * len(y)
            training.batch += 1
            training.seen += len(y)
            bar.update(len(y))
            now = time.perf_counter()
            if now - shown > 0.3 or interrupt.requested:
                shown = now
                bar.set_postfix(loss=f"{_mean_loss(training, total, x):.4f}", refresh=False)
            if interrupt.requested:
                batches.close()
                break
        if training.seen:
            _mean_loss(training, total, None)  # refuses what is not finite
        training.loss_sum = float(backend.to_host(total))
        train.backend.synchronize()
    training.seconds += time.perf_counter() - started
    return training.batch == len(train)


def _mean_loss(training, total, x):
    """Mean loss of the epoch so far; x is the last batch, for the explanation of a mean that is not finite."""
    mean = float(backend.to_host(total)) / training.seen
    if not math.isfinite(mean):
        why = f"the loss became {mean}" if x is None else _explanation(training.model, x, mean)
        raise TrainingError(f"epoch {training.epoch + 1}, by batch {training.batch}: {why}")
    return mean


def _finish_epoch(training, train, test, store, recompute):
    """Measure, write the epoch into the history, and step to the next."""
    test_loss, accuracy = evaluate(training.model, test)
    batches = train.epoch(training.epoch)
    x, y = next(batches)  # a full batch, unless the data set is smaller than one
    batches.close()
    ledger, peak = step_cost(training.model.train(), x, y, store, recompute)
    training.history.append(
        Epoch(
            epoch=training.epoch + 1,
            lr=training.optimizer.lr,
            train_loss=training.loss_sum / training.seen,
            test_loss=test_loss,
            test_accuracy=accuracy,
            saved_bytes=ledger.nbytes,
            peak_bytes=peak,
            density=ledger.spectra(),
            seconds=training.seconds,
            images_per_second=training.seen / max(training.seconds, 1e-9),
        )
    )
    if accuracy >= max(epoch.test_accuracy for epoch in training.history.epochs):
        training.best = training.model.state_dict()
    training.epoch += 1
    training.batch = training.seen = 0
    training.loss_sum = training.seconds = 0.0


def _line(name, epoch, epochs):
    density = f"  density {' '.join(f'{d:.3f}' for d in epoch.density)}" if epoch.density else ""
    return (
        f"{name:9s} epoch {epoch.epoch}/{epochs}  loss {epoch.train_loss:.4f}  test {100 * epoch.test_accuracy:.2f} %"
        f"  {epoch.seconds:.1f} s  {epoch.images_per_second:.0f} img/s{density}"
    )
