"""The training loop: the batches of an epoch, and what is measured at its end."""

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from specframe import backend
from specframe.training.evaluate import evaluate, step_cost
from specframe.training.history import Epoch
from specframe.training.interrupt import Interrupt
from specframe.training.output import bar
from specframe.training.parallel.team import Team
from specframe.training.step import TrainingError, explanation, train_step

if TYPE_CHECKING:
    from specframe.data import DataLoader
    from specframe.training.training import Training


def run_epoch(
    training: "Training", train: "DataLoader", epochs: int, store: Any, recompute: Any, name: str, progress: bool,
    interrupt: Interrupt, team: Team,
) -> bool:  # fmt: skip
    """The remaining batches of the current epoch; False when one of the team was interrupted before the last."""
    model, optimizer = training.model, training.optimizer
    if not model.training:
        model.train()
    shown_bar = bar(
        f"{name} epoch {training.epoch + 1}/{epochs}".strip(), len(train.dataset), training.seen, wanted=progress
    )
    batches = train.epoch(training.epoch, start=training.batch)
    # A scalar on the device: reading the loss of every batch would make the host wait each time.
    total = train.backend.asarray(np.asarray(training.loss_sum))
    shown = started = time.perf_counter()
    with shown_bar:
        for x, y in batches:
            try:
                # every step has draws of its own, and a resumed run those of the unbroken one
                step = training.epoch * len(train) + training.batch
                loss = train_step(model, optimizer, x, y, store, recompute, step, team, interrupt.requested)
            except TrainingError as error:
                batches.close()
                raise TrainingError(f"epoch {training.epoch + 1}, batch {training.batch + 1}: {error}") from None
            training.schedule.step()
            total = total + loss.data.astype(np.float64) * team.images
            training.batch += 1
            training.seen += team.images
            shown_bar.update(team.images)
            stop = interrupt.requested if team.size == 1 else team.stop  # ranks stop at one batch: where all have heard
            now = time.perf_counter()
            if now - shown > 0.3 or stop:
                shown = now
                shown_bar.set_postfix(loss=f"{_mean_loss(training, total, x):.4f}", refresh=False)
            if stop:
                batches.close()
                break
        if training.seen:
            _mean_loss(training, total, None)  # refuses what is not finite
        training.loss_sum = float(backend.to_host(total))
        train.backend.synchronize()
    training.seconds += time.perf_counter() - started
    return training.batch == len(train)


def _mean_loss(training: "Training", total: Any, x: Any) -> float:
    """Mean loss of the epoch so far; x is the last batch, for the explanation of a mean that is not finite."""
    mean = float(backend.to_host(total)) / training.seen
    if not math.isfinite(mean):
        why = f"the loss became {mean}" if x is None else explanation(training.model, x, mean)
        raise TrainingError(f"epoch {training.epoch + 1}, by batch {training.batch}: {why}")
    return mean


def finish_epoch(
    training: "Training", train: "DataLoader", test: "DataLoader", store: Any, recompute: Any, team: Team
) -> None:
    """Measure, write the epoch into the history, and step to the next. Bytes are those of all ranks together."""
    test_loss, accuracy = evaluate(training.model, test, team)
    batches = train.epoch(training.epoch)
    x, y = next(batches)  # a full batch, unless the data set is smaller than one
    batches.close()
    ledger, peak = step_cost(training.model, x, y, store, recompute)
    saved, peak, images, *density = team.sum(ledger.nbytes, peak, len(y), *(d * len(y) for d in ledger.spectra()))
    training.history.append(
        Epoch(
            epoch=training.epoch + 1,
            lr=training.schedule.lr_at(training.schedule.t - 1),
            train_loss=training.loss_sum / training.seen,
            test_loss=test_loss,
            test_accuracy=accuracy,
            saved_bytes=int(saved),
            peak_bytes=int(peak),
            density=[d / images for d in density],
            seconds=training.seconds,
            images_per_second=training.seen / max(training.seconds, 1e-9),
        )
    )
    if accuracy >= max(epoch.test_accuracy for epoch in training.history.epochs):
        training.best = training.model.state_dict()
    training.schedule.measured(test_loss)
    training.epoch += 1
    training.batch = training.seen = 0
    training.loss_sum = training.seconds = 0.0


def line(name: str, epoch: Epoch, epochs: int) -> str:
    """What is printed of an epoch."""
    density = f"  density {' '.join(f'{d:.3f}' for d in epoch.density)}" if epoch.density else ""
    return (
        f"{name:9s} epoch {epoch.epoch}/{epochs}  loss {epoch.train_loss:.4f}  test {100 * epoch.test_accuracy:.2f} %"
        f"  {epoch.seconds:.1f} s  {epoch.images_per_second:.0f} img/s{density}"
    )
