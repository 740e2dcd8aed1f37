"""History: what each epoch of one net gave, and how it is written down."""

import csv
import io
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from specframe.atomic import write_atomically


class Epoch(NamedTuple):
    """One epoch.

    Attributes
    ----------
    epoch : int, counted from 1
    lr : float, learning rate of its last step
    train_loss, test_loss : float, means over the images
    test_accuracy : float, 0 to 1
    saved_bytes : int, saved for backward by a full batch
    peak_bytes : int, measured peak of one step (forward and backward) on a full batch, above what lived before
    density : list of float, nonzero share of each stored spectrum
    seconds : float, of training, evaluation not counted
    images_per_second : float
    """

    epoch: int
    lr: float
    train_loss: float
    test_loss: float
    test_accuracy: float
    saved_bytes: int
    peak_bytes: int
    density: list[float]
    seconds: float
    images_per_second: float


class History:
    """The epochs of one net, in order."""

    def __init__(self, epochs: Iterable[Epoch] = ()):
        self.epochs = list(epochs)

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]

    def append(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)

    def as_dicts(self) -> list[dict[str, Any]]:
        """A list of dicts of numbers, for JSON."""
        return [epoch._asdict() for epoch in self.epochs]

    @classmethod
    def from_dicts(cls, dicts: Iterable[Mapping[str, Any]]) -> "History":
        """What `as_dicts` gave; raises TypeError or ValueError where it is not that."""
        epochs = [Epoch(**row) for row in dicts]
        for epoch in epochs:
            numbers = [value for value in epoch if value is not epoch.density] + list(epoch.density)
            if not all(isinstance(number, int | float) for number in numbers):
                raise ValueError(f"expected an epoch made of numbers, got {epoch}")
        return cls(epochs)


def write_csv(path: str | os.PathLike[str], histories: Mapping[str, History]) -> None:
    """One line an epoch; `histories` maps the name of a net to its History. Densities are joined by spaces."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["net", *Epoch._fields])
    for net, history in histories.items():
        for epoch in history.epochs:
            row = epoch._asdict() | {"density": " ".join(f"{d:.4f}" for d in epoch.density)}
            writer.writerow([net, *row.values()])
    write_atomically(path, lambda file: file.write(text.getvalue().encode()))
