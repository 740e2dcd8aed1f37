"""Time one training step of LeNet-5, spectral and spatial, here and in PyTorch; count what each saves for backward.

    python benchmarks/step.py --checkpoint runs/lenet_mnist/checkpoint.npz

A step is forward, backward and update on a batch of real digits; the nets take turns (benchmarks/turns.py).

All nets have the weights of the checkpoint, whose densities are those of a trained net; without one, the spectral net
is first trained for 300 steps. The learning rate is so small that the weights stay where they are.
Needs the extra `oracle` (PyTorch).
"""

import sys

import numpy as np
import program
import turns
from turns import Ratio

import specframe as sf
from specframe.data import MNIST, DataError, DataLoader, Digits
from specframe.models import LeNet5, SpecLeNet5
from specframe.optim import SGD
from specframe.training import load_checkpoint, step_cost, train_step

VARIANTS = {
    "spectral": "specframe SpecLeNet5",
    "recompute": 'specframe SpecLeNet5, recompute="block"',
    "spatial": "specframe LeNet5",
    "torch_spatial": "PyTorch LeNet-5, nn.Conv2d",
    "torch_spectral": "PyTorch SpecLeNet-5, torch.fft",
}
RATIOS = [
    Ratio("time", "spectral", "torch_spatial", "step time, SpecLeNet5 / PyTorch spatial LeNet-5", 1.6),
    Ratio("time", "spectral", "torch_spectral", "step time, SpecLeNet5 / the same net in PyTorch", 0.7),
    Ratio("time", "recompute", "spectral", 'step time, recompute="block" / without', 1.25),
    Ratio("bytes", "spectral", "torch_spatial", "saved bytes, SpecLeNet5 / PyTorch spatial LeNet-5", 0.37),
    Ratio("bytes", "recompute", "torch_spatial", 'saved bytes, recompute="block" / PyTorch spatial LeNet-5', 0.20),
    Ratio("bytes", "spectral", "spatial", "saved bytes, SpecLeNet5 / specframe LeNet5"),
]
LR, MOMENTUM = 1e-7, 0.9


def main():
    parser = turns.make_parser(__doc__, VARIANTS, "runs/benchmarks/step.json", rounds=15, steps=20)
    parser.add_argument("--checkpoint", help="weights of trained nets, as examples/lenet_mnist.py writes them")
    parser.add_argument("--data-dir", help="folder with the MNIST files (default: as the example looks for them)")
    turns.run(parser.parse_args(), VARIANTS, RATIOS, make, minutes=1)


def make(name, options):
    return (torch_net if name.startswith("torch") else specframe_net)(options)


def batch(options):
    """(x, y) of real digits in the framework's layout."""
    try:
        images = MNIST("train", options.data_dir, download=False)
    except DataError:
        images = Digits("train")
    return next(DataLoader(images, options.batch_size, shuffle=True, prefetch=0, device="cpu").epoch(0))


def trained(options):
    """({net: state}, {option: value} of the spectral net): from the checkpoint, or after a short training."""
    if options.checkpoint:
        saved = load_checkpoint(options.checkpoint)
        spectral = {"beta": saved["options"]["beta"], "scale": saved["options"]["tanh_scale"]}
        return {name: net["model"] for name, net in saved["nets"].items()}, spectral
    net = SpecLeNet5()
    optimizer = SGD(net.parameters(), 0.05, 0.9)
    x, y = batch(options)
    for _ in range(300):
        train_step(net, optimizer, x, y)
    return {"spectral": net.state_dict()}, {}


def specframe_net(options):
    states, spectral = trained(options)
    x, y = batch(options)
    if options.worker == "spatial":
        net = LeNet5()
        net.load_state_dict(states.get("spatial", net.state_dict()))
    else:
        net = SpecLeNet5(**spectral)
        net.load_state_dict(states["spectral"])
    optimizer = SGD(net.parameters(), LR, MOMENTUM)
    recompute = "block" if options.worker == "recompute" else None
    ledger, _ = step_cost(net, x, y, recompute=recompute)
    saved = {"bytes": ledger.nbytes, "density": ledger.spectra()}
    return lambda: train_step(net, optimizer, x, y, recompute=recompute), saved


def torch_net(options):
    import torch
    import torch_nets

    torch.set_num_threads(options.threads)
    states, spectral = trained(options)
    x, y = batch(options)
    if options.worker == "torch_spatial":
        net = torch_nets.TorchLeNet5()
        state = states.get("spatial")
    else:
        model = SpecLeNet5(**spectral)
        net = torch_nets.TorchSpecLeNet5(model.conv1.beta, model.conv1.scale, grids_of(model))
        state = states["spectral"]
    if state:
        torch_nets.from_numpy_state(net, state)
    net = net.float()
    images, labels = torch_nets.batch_of(x, y)
    step = torch_nets.step_of(net, images, labels, torch.optim.SGD(net.parameters(), LR, MOMENTUM))
    return step, {"bytes": torch_nets.saved_bytes(net, images, labels), "density": []}


def grids_of(model):
    """The grids of the two blocks of a SpecLeNet5 on images of 28 x 28."""
    blocks = (model.conv1, 28, 1), (model.conv2, 14, 6)
    return [block.spectrum(sf.Tensor(np.zeros((n, n, 1, c), np.float32))).spectrum.grid for block, n, c in blocks]


if __name__ == "__main__":
    sys.exit(program.guarded(main))
