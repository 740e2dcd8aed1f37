"""How SpecLeNet-5's settings trade accuracy against bytes on MNIST: one training run a row.

    python benchmarks/lenet_study.py                    all rows, about a minute each
    python benchmarks/lenet_study.py default "beta 1"   some of them

Every run is that of examples/lenet_mnist.py (60 000 images, 5 epochs, batch 64, one cycle of the learning rate) with
the settings of its row changed. Bytes are those of a full batch after the last epoch; the ratio is to PyTorch's
spatial LeNet-5, which saves 3 567 108 bytes (benchmarks/step.py counts them).
"""

import argparse
import dataclasses
import json
import math
import sys

import program

from specframe.data import MNIST, DataLoader
from specframe.models import LeNet5, SpecLeNet5
from specframe.training import PRESETS, fit, say, write_atomically

PYTORCH_BYTES = 3_567_108
ROWS = {
    "default": {},
    "seed 1": {"seed": 1},
    "seed 2": {"seed": 2},
    "plain tanh (scale 1)": {"scale": 1.0},
    "scale 4": {"scale": 4.0},
    "grid same": {"grid": "same"},
    "grid fast": {"grid": "fast"},
    "no weight decay": {"weight_decay": 0.0},
    "weight decay 1e-3": {"weight_decay": 1e-3},
    "unit spread of the initial weights (gain 1.73)": {"gain": math.sqrt(3)},
    "beta 0": {"beta": 0.0},
    "beta 1": {"beta": 1.0},
    "beta 1.5": {"beta": 1.5},
    "spatial twin": {"twin": True},
    "spatial twin, no weight decay": {"twin": True, "weight_decay": 0.0},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"among: {'; '.join(ROWS)}")
    parser.add_argument("--data-dir", help="folder with the MNIST files")
    parser.add_argument("--out", default="runs/benchmarks/lenet_study.json", help="JSON file to write")
    options = parser.parse_args()
    if unknown := [row for row in options.rows if row not in ROWS]:
        parser.error(f"unknown row {unknown[0]!r}: choose among {'; '.join(ROWS)}")
    program.takes(len(options.rows or ROWS))
    data = MNIST("train", options.data_dir), MNIST("test", options.data_dir)
    results = {}
    print("| settings | test accuracy, % | saved, bytes | / PyTorch spatial | densities | s an epoch |")
    print("|---|---|---|---|---|---|", flush=True)
    progress = program.bar(len(options.rows or ROWS), "row")
    for row in options.rows or ROWS:
        epoch = results[row] = train(*data, **ROWS[row])
        density = ", ".join(f"{d:.3f}" for d in epoch["density"]) or "-"
        ratio = epoch["saved_bytes"] / PYTORCH_BYTES
        say(f"| {row} | {100 * epoch['test_accuracy']:.2f} | {epoch['saved_bytes']:,} | {ratio:.3f} | {density} "
            f"| {epoch['seconds']:.1f} |")  # fmt: skip
        progress.update()
        write_atomically(options.out, lambda file: file.write((json.dumps(results, indent=2) + "\n").encode()))
    progress.close()


def train(train_set, test_set, *, twin=False, seed=0, weight_decay=None, **spectral):
    """The last epoch of a run, as a dict."""
    preset = PRESETS["lenet"]
    if weight_decay is not None:
        preset = dataclasses.replace(preset, weight_decay=weight_decay)
    model = LeNet5(seed=seed) if twin else SpecLeNet5(seed=seed, **spectral)
    train_loader = DataLoader(train_set, preset.batch_size, shuffle=True, seed=seed, device="cpu")
    test_loader = DataLoader(test_set, 500, device="cpu")
    chosen = preset.optimizer(model, len(train_loader))
    return fit(model, train_loader, test_loader, *chosen, preset.epochs, progress=False).history[-1]._asdict()


if __name__ == "__main__":
    sys.exit(program.guarded(main))
