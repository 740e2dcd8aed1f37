"""Time one training step of VGG16 and DenseNet, spectral and spatial, here and in PyTorch; count what each saves.

    python benchmarks/deep_step.py --width 0.25

A step is forward, backward and update on a batch of CIFAR-10; an epoch over 10 000 images is 157 of them. Before the
timing, every net here is trained for some steps, so that densities are not those of fresh weights; its peer in PyTorch
has the same weights. The nets take turns (benchmarks/turns.py). Needs the extra `oracle` (PyTorch).
"""

import sys

import program
import turns
from turns import Ratio

from specframe.data import CIFAR10, DataLoader
from specframe.grids import choose_grid
from specframe.models import VGG16, DenseNet, SpecDenseNet, SpecVGG16
from specframe.optim import SGD
from specframe.training import step_cost, train_step

VARIANTS = {
    "specvgg16": "specframe SpecVGG16",
    "torch_specvgg16": "PyTorch SpecVGG16, torch.fft",
    "vgg16": "specframe VGG16, ReLU, BN",
    "torch_vgg16": "PyTorch VGG16, ReLU, BN",
    "specdensenet": "specframe SpecDenseNet",
    "torch_specdensenet": "PyTorch SpecDenseNet, torch.fft",
    "densenet": "specframe DenseNet, ReLU, BN",
    "torch_densenet": "PyTorch DenseNet, ReLU, BN",
}
RATIOS = [
    Ratio("time", "specvgg16", "torch_specvgg16", "step time, SpecVGG16 / the same net in PyTorch", 1.0),
    Ratio("time", "specvgg16", "torch_vgg16", "step time, SpecVGG16 / PyTorch VGG16"),
    Ratio("time", "specvgg16", "vgg16", "step time, SpecVGG16 / specframe VGG16"),
    Ratio("time", "specdensenet", "torch_specdensenet", "step time, SpecDenseNet / the same net in PyTorch"),
    Ratio("time", "specdensenet", "densenet", "step time, SpecDenseNet / specframe DenseNet"),
    Ratio("bytes", "specvgg16", "torch_vgg16", "saved bytes, SpecVGG16 / PyTorch VGG16", 0.37),
    Ratio("bytes", "specdensenet", "torch_densenet", "saved bytes, SpecDenseNet / PyTorch DenseNet", 0.37),
]
NETS = {"specvgg16": SpecVGG16, "vgg16": VGG16, "specdensenet": SpecDenseNet, "densenet": DenseNet}
LR, MOMENTUM = 1e-7, 0.9  # while timing: the weights stay where they are


def main():
    parser = turns.make_parser(__doc__, VARIANTS, "runs/benchmarks/deep_step.json", rounds=7, steps=3)
    parser.add_argument("--width", type=float, default=0.25, help="scales the channels (0.25)")
    parser.add_argument("--train-steps", type=int, default=40, help="steps of training before the timing (40)")
    parser.add_argument("--data-dir", help="folder with CIFAR-10")
    turns.run(parser.parse_args(), VARIANTS, RATIOS, make, minutes=4)


def trained(name, options):
    """(net, x, y): a net after some steps of training, and a batch that it has not seen."""
    loader = DataLoader(CIFAR10("train", options.data_dir), options.batch_size, shuffle=True, prefetch=0, device="cpu")
    batches = loader.epoch(0)
    net = NETS[name](width=options.width)
    optimizer = SGD(net.parameters(), 0.02, MOMENTUM, 5e-4)
    for _ in range(options.train_steps):
        train_step(net, optimizer, *next(batches))
    return net, *next(batches)


def make(name, options):
    net, x, y = trained(name.removeprefix("torch_"), options)
    if name.startswith("torch"):
        return torch_step(name.removeprefix("torch_"), net, x, y, options)
    ledger, _ = step_cost(net, x, y)
    optimizer = SGD(net.parameters(), LR, MOMENTUM)
    return lambda: train_step(net, optimizer, x, y), {"bytes": ledger.nbytes, "density": ledger.spectra()}


def torch_step(name, net, x, y, options):
    import torch
    import torch_nets

    torch.set_num_threads(options.threads)
    peer = peer_of(name, net)
    images, labels = torch_nets.batch_of(x, y)
    step = torch_nets.step_of(peer, images, labels, torch.optim.SGD(peer.parameters(), LR, MOMENTUM))
    return step, {"bytes": torch_nets.saved_bytes(peer, images, labels), "density": []}


def peer_of(name, net):
    """The same net in PyTorch."""
    import torch_deep

    state = net.state_dict()
    if name == "vgg16":
        return torch_deep.TorchVGG16(state)
    if name == "densenet":
        return torch_deep.TorchDenseNet(state, len(net.wide))
    if name == "specvgg16":
        grids = [choose_grid((n, n), 3, net.stages[0].grid) for n in (32, 16)]
        return torch_deep.TorchVGG16(state, grids, spectral=options_of(net.stages[0]), rectify=True)
    grids, spectral = [choose_grid((n, n), 3, net.grid) for n in (32, 16)], options_of(net.stem)
    return torch_deep.TorchDenseNet(
        state, len(net.wide), grids, spectral=spectral, return_every=net.return_every, rectify=net.rectify
    )


def options_of(block):
    return {"beta": block.beta, "activation": block.activation, "scale": block.scale}


if __name__ == "__main__":
    sys.exit(program.guarded(main))
