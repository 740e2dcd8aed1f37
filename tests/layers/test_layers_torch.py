"""Layers and the methods of Module against PyTorch's of the same names: values and gradients, names and order."""

from collections import OrderedDict

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")

from specframe import Tape, Tensor, layers  # noqa: E402

nn = torch.nn


def is_map(array):
    return array.ndim == 4


def to_torch(array):
    """A leaf, of maps as (batch, channels, rows, cols)."""
    return torch.tensor(array.transpose(2, 3, 0, 1) if is_map(array) else array, requires_grad=True)


def from_torch(tensor):
    array = tensor.detach().numpy()
    return array.transpose(2, 3, 0, 1) if is_map(array) else array


def compare(be, rng, ours, theirs, shape, steps=2):
    """Outputs, gradients and buffers over some calls in training and one in evaluation, with weights of ours."""
    ours.to(be)
    state = ours.state_dict()
    for name in ("weight", "bias"):
        if name in state:
            state[name] = rng.standard_normal(state[name].shape)
    ours.load_state_dict(state)
    theirs.double().load_state_dict({name: torch.tensor(array) for name, array in state.items()}, strict=False)
    for step in range(steps + 1):
        if step == steps:
            ours.eval()
            theirs.eval()
        x = Tensor(be.asarray(rng.standard_normal(shape)), requires_grad=True)
        with Tape() as tape:
            y = ours(x)
        leaf = to_torch(x.numpy())
        expected = theirs(leaf)
        gy = rng.standard_normal(y.shape)
        tape.backward(y, be.asarray(gy))
        expected.backward(to_torch(gy).detach())
        np.testing.assert_allclose(y.numpy(), from_torch(expected), rtol=0, atol=1e-12)
        np.testing.assert_allclose(be.to_host(x.grad), from_torch(leaf.grad), rtol=0, atol=1e-11)
    gradients = {name: parameter.grad.numpy() for name, parameter in theirs.named_parameters()}
    for name, parameter in ours.named_parameters():
        np.testing.assert_allclose(be.to_host(parameter.grad), gradients.pop(name), rtol=0, atol=1e-10, err_msg=name)
    assert not gradients
    buffers = dict(theirs.named_buffers())
    for name, array in ours.named_buffers():
        np.testing.assert_allclose(be.to_host(array), buffers[name].numpy(), rtol=0, atol=1e-12, err_msg=name)


DOUBLE = {"dtype": np.float64}
LAYERS = {
    "Linear": (lambda: layers.Linear(5, 3, **DOUBLE), lambda: nn.Linear(5, 3), (4, 5)),
    "Linear, three axes": (lambda: layers.Linear(5, 3, **DOUBLE), lambda: nn.Linear(5, 3), (4, 6, 5)),
    "Conv2d": (
        lambda: layers.Conv2d(3, 4, (3, 2), 2, (2, 1), **DOUBLE),
        lambda: nn.Conv2d(3, 4, (3, 2), 2, (2, 1)), (7, 6, 2, 3),
    ),
    "Conv2d, same": (
        lambda: layers.Conv2d(3, 4, (3, 5), padding="same", **DOUBLE),
        lambda: nn.Conv2d(3, 4, (3, 5), padding="same"), (7, 6, 2, 3),
    ),
    "Conv2d, valid": (
        lambda: layers.Conv2d(3, 4, 3, padding="valid", **DOUBLE),
        lambda: nn.Conv2d(3, 4, 3, padding="valid"), (7, 6, 2, 3),
    ),
    "Conv2d, unequal strides": (
        lambda: layers.Conv2d(3, 4, (3, 2), (1, 3), 1, **DOUBLE),
        lambda: nn.Conv2d(3, 4, (3, 2), (1, 3), 1), (7, 6, 2, 3),
    ),
    "BatchNorm1d": (
        lambda: layers.BatchNorm1d(3, momentum=0.3, **DOUBLE), lambda: nn.BatchNorm1d(3, momentum=0.3), (6, 3)
    ),
    "BatchNorm2d": (lambda: layers.BatchNorm2d(3, **DOUBLE), lambda: nn.BatchNorm2d(3), (5, 4, 3, 3)),
    "LeakyReLU": (lambda: layers.LeakyReLU(0.2), lambda: nn.LeakyReLU(0.2), (4, 5)),
    "LayerNorm": (lambda: layers.LayerNorm(5, **DOUBLE), lambda: nn.LayerNorm(5), (4, 6, 5)),
    "LayerNorm, two axes": (lambda: layers.LayerNorm((6, 5), **DOUBLE), lambda: nn.LayerNorm((6, 5)), (4, 6, 5)),
    "Sigmoid": (layers.Sigmoid, nn.Sigmoid, (4, 5)),
    "GELU": (layers.GELU, nn.GELU, (4, 5)),
    "Flatten": (layers.Flatten, nn.Flatten, (4, 5, 2, 3)),
    "MaxPool2d": (lambda: layers.MaxPool2d(3, 2), lambda: nn.MaxPool2d(3, 2), (7, 6, 2, 3)),
    "MaxPool2d, pairs": (lambda: layers.MaxPool2d((2, 3), (2, 1)), lambda: nn.MaxPool2d((2, 3), (2, 1)), (7, 6, 2, 3)),
    "AvgPool2d, pairs": (lambda: layers.AvgPool2d((3, 2)), lambda: nn.AvgPool2d((3, 2)), (7, 6, 2, 3)),
    "AvgPool2d": (lambda: layers.AvgPool2d(2), lambda: nn.AvgPool2d(2), (7, 6, 2, 3)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_is_that_of_pytorch(be, rng, name):
    ours, theirs, shape = LAYERS[name]
    compare(be, rng, ours(), theirs(), shape)


# ---- methods of Module -----------------------------------------------------------------------------------------


def twins():
    """The same net twice: of our layers and of PyTorch's."""

    def build(of, linear):
        class Net(of.Module):
            def __init__(self):
                super().__init__()
                self.first = linear(2, 3)
                self.blocks = of.ModuleList([linear(3, 3), of.Sequential(of.ReLU(), linear(3, 3))])
                self.heads = of.ModuleDict({"cat": linear(3, 1), "dog": of.Identity()})
                self.named = of.Sequential(OrderedDict(a=of.ReLU(), norm=of.BatchNorm2d(3)))
                self.again = self.first
                self.tied = linear(2, 3)
                self.tied.weight = self.first.weight

        return Net()

    return build(layers, layers.Linear), build(nn, nn.Linear)


def path(net, wanted):
    """How `wanted` is called inside: what compares modules of two frameworks."""
    return next(name for name, module in net.named_modules() if module is wanted)


def applied(net):
    seen = []
    assert net.apply(lambda module: seen.append(path(net, module))) is net
    return list(dict.fromkeys(seen))  # PyTorch calls a module that is inside twice a second time


def restored(net):
    state = net.state_dict()
    state["other"] = state.pop("first.bias")
    result = net.load_state_dict(state, strict=False)
    return result.missing_keys, [name for name in result.unexpected_keys if "num_batches" not in name]


def gradients_after(net, zero):
    for parameter in net.parameters():
        parameter.grad = parameter.detach() if hasattr(parameter, "detach") else parameter.data
    zero(net)
    return [parameter.grad is None for parameter in net.parameters()]


def switched(net, mode):
    assert net.blocks[1].eval() is net.blocks[1] and net.train(mode) is net
    net.heads.train(not mode)
    return [module.training for module in net.modules()]


METHODS = {
    "named_modules": lambda net: [name for name, _ in net.named_modules()],
    "modules": lambda net: [path(net, module) for module in net.modules()],
    "named_children": lambda net: [name for name, _ in net.named_children()],
    "children": lambda net: [path(net, module) for module in net.children()],
    "named_parameters": lambda net: [name for name, _ in net.named_parameters()],
    "parameters": lambda net: [tuple(parameter.shape) for parameter in net.parameters()],
    "named_buffers": lambda net: [name for name, _ in net.named_buffers() if "num_batches" not in name],
    "buffers": lambda net: [tuple(buffer.shape) for buffer in net.buffers() if buffer.ndim],
    "apply": applied,
    "train": lambda net: switched(net, True),
    "eval": lambda net: switched(net, False),
    "requires_grad_": lambda net: [p.requires_grad for p in net.requires_grad_(False).parameters()],
    "zero_grad": lambda net: gradients_after(net, lambda net: net.zero_grad()),
    "state_dict": lambda net: sorted(name for name in net.state_dict() if "num_batches" not in name),
    "load_state_dict": restored,
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_module_means_what_pytorchs_does(name):
    ours, theirs = twins()
    assert METHODS[name](ours) == METHODS[name](theirs)


def test_num_parameters_is_what_pytorch_users_add_up_by_hand():
    ours, theirs = twins()
    assert ours.num_parameters() == sum(parameter.numel() for parameter in theirs.parameters())


def test_states_go_to_pytorch_and_back():
    ours, theirs = twins()
    theirs.load_state_dict({name: torch.tensor(array) for name, array in ours.state_dict().items()}, strict=False)
    other, _ = twins()
    state = {name: array for name, array in theirs.state_dict().items() if "num_batches" not in name}
    assert other.load_state_dict(state) == ([], [])
    for name, array in ours.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], array)
