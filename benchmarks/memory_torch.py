"""PyTorch's side of benchmarks/memory.py: the plain twins, and the same under torch.utils.checkpoint.

The checkpoints are where specframe's are (benchmarks/strategies.py): over the stages of VGG16, over stem and layers of
the dense block, over the two convolutions of LeNet-5.
"""

import os

import numpy as np
import torch
import torch.nn.functional as F
from memory_child import LR, MOMENTUM, cosine
from strategies import build, parse
from torch.utils.checkpoint import checkpoint
from torch_deep import TorchDenseNet, TorchVGG16
from torch_nets import TorchLeNet5, from_numpy_state, saved_bytes

import specframe as sf
from specframe import ops
from specframe.training import load_checkpoint


class InParts:
    """A net whose parts may each be run by `self.around(part, *inputs)`."""

    @staticmethod
    def around(part, *inputs):
        return part(*inputs)


class VGG16(InParts, TorchVGG16):
    def forward(self, x):
        for stage, convs in enumerate((2, 2, 3, 3, 3)):
            x = self.around(lambda x, stage=stage, convs=convs: self.stage(stage, convs, x), x)
        return F.linear(x.flatten(1), self["fc.weight"], self["fc.bias"])

    def stage(self, stage, convs, x):
        for i in range(convs):
            layer = f"stages.{stage}.layers.{i}"
            x = F.relu(self.batch_norm(f"{layer}.norm", self.conv(f"{layer}.conv", x)))
        return F.max_pool2d(x, 2)


class DenseNet(InParts, TorchDenseNet):
    def forward(self, x):
        maps = [self.around(lambda x: F.max_pool2d(self.spatial("stem", x), 2), x)]
        for i in range(self.layers):
            maps.append(self.around(lambda *maps, i=i: self.layer(i, maps), *maps))
        return F.linear(torch.cat(maps, 1).mean((2, 3)), self["fc.weight"], self["fc.bias"])

    def layer(self, i, maps):
        return self.spatial(f"wide.{i}", self.spatial(f"narrow.{i}", torch.cat(maps, 1)))


class LeNet5(InParts, TorchLeNet5):
    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = self.around(lambda x, conv=conv: F.max_pool2d(torch.tanh(conv(x)), 2), x)
        x = torch.tanh(self.fc1(x.flatten(1)))
        return self.fc3(torch.tanh(self.fc2(x)))


def noting(tensors):
    """While this context lasts, what autograd saves goes into a list, too."""

    def keep(tensor):
        tensors.append(tensor)
        return tensor

    return torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)


class There:
    """A strategy in PyTorch; what memory_child.Here is in this engine."""

    def __init__(self, job):
        torch.set_num_threads(job["threads"])
        self.job, self.state = job, load_checkpoint(os.path.join(job["folder"], "twin.npz"))["state"]
        batch = np.load(os.path.join(job["folder"], "batch.npz"))
        self.x, self.y = torch.from_numpy(batch["x"].transpose(2, 3, 0, 1).copy()), torch.from_numpy(batch["y"])
        self.net = self.make()
        if job["strategy"] == "torch+checkpoint":
            self.net.around = lambda part, *inputs: checkpoint(part, *inputs, use_reentrant=False)
        self.optimizer = torch.optim.SGD(self.net.parameters(), LR, MOMENTUM)

    def make(self):
        if self.job["net"] == "lenet5":
            return from_numpy_state(LeNet5(), self.state)
        return VGG16(self.state) if self.job["net"] == "vgg16" else DenseNet(self.state, 6)

    def step(self, count=None):
        self.optimizer.zero_grad()
        F.cross_entropy(self.net(self.x[:count]), self.y[:count]).backward()
        self.optimizer.step()

    def forget(self):
        self.optimizer.zero_grad()

    def figures(self):
        saved = saved_bytes(self.net, self.x, self.y)
        return {"saved": saved, "highest": self.highest(saved), "moved": 0, "cosine": self.cosine(), "density": []}

    def highest(self, saved):
        """The most that is saved at a time: what a part saves when it runs again, and all that was saved before it."""
        if self.job["strategy"] == "torch":
            return saved
        net, outside, most = self.make(), [], saved
        free = {tensor.untyped_storage().data_ptr() for tensor in (*net.parameters(), *net.buffers(), self.x, self.y)}

        def total(tensors):
            sizes = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in tensors}
            return sum(size for pointer, size in sizes.items() if pointer not in free)

        def measured(part, *inputs):
            nonlocal most
            inside = []
            outside.extend(inputs)
            with noting(inside):
                y = part(*inputs)
            most = max(most, total([*outside, *inside]))
            return y

        net.around = measured
        with noting(outside):
            net(self.x)
        return most

    def cosine(self):
        """With the dense gradient of specframe: two engines, one net."""
        x = self.x.numpy().transpose(2, 3, 0, 1).copy()
        net = build(self.job["net"], parse("dense"), x.shape[3], x.shape[0], self.job["width"], self.state)
        with sf.Tape(store="dense") as tape:
            loss = ops.softmax_cross_entropy(net(sf.Tensor(x)), self.y.numpy())
        tape.backward(loss)
        self.forget()
        F.cross_entropy(self.net(self.x), self.y).backward()
        names = [name for name, _ in net.named_parameters()]
        if self.job["net"] == "lenet5":
            theirs = {name: parameter.grad.numpy() for name, parameter in self.net.named_parameters()}
        else:
            theirs = self.net.gradients()
        ours = {name: parameter.grad for name, parameter in net.named_parameters()}
        return cosine(*(np.concatenate([g[name].ravel().astype(np.float64) for name in names]) for g in (ours, theirs)))
