"""Parts are found wherever attributes hold them, in a stable order, by names that lead to them, each once."""

from collections import OrderedDict

import numpy as np
import pytest

from specframe import Tape, Tensor, ops
from specframe.layers import BatchNorm2d, Linear, Module, ModuleList, Parameter, ReLU, Sequential


class Holder(Module):
    """A module with the attributes that it is given."""

    def __init__(self, **attributes):
        vars(self).update(attributes)


def layer(n=1):
    return Linear(n, n, bias=False, rng=0)


def names(module):
    return [name for name, _ in module.named_parameters()]


# ---- where parts are found -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (lambda: layer(), ["part.weight"]),
        (lambda: Parameter(np.ones(1)), ["part"]),
        (lambda: [layer(), None, layer()], ["part.0.weight", "part.2.weight"]),
        (lambda: (layer(), layer()), ["part.0.weight", "part.1.weight"]),
        (lambda: {"cat": layer(), "dog": layer()}, ["part.cat.weight", "part.dog.weight"]),
        (lambda: OrderedDict(z=layer(), a=layer()), ["part.z.weight", "part.a.weight"]),
        (lambda: {3: layer(), 1: layer()}, ["part.3.weight", "part.1.weight"]),
        (lambda: [[layer()], [[layer()]]], ["part.0.0.weight", "part.1.0.0.weight"]),
        (lambda: {"a": [{"b": (Parameter(np.ones(1)), layer())}]}, ["part.a.0.b.0", "part.a.0.b.1.weight"]),
        (lambda: [], []),
        (lambda: "no part", []),
        (lambda: {1, 2}, []),
        (lambda: np.array([1.0]), []),
    ],
)
def test_parts_are_found_in_attributes_and_containers_of_any_depth(held, expected):
    net = Holder(part=held(), last=layer())
    assert sorted(names(net)) == sorted([*expected, "last.weight"])
    assert [name for name in names(net) if "." in name] == [name for name in [*expected, "last.weight"] if "." in name]
    assert len(net.parameters()) == net.num_parameters() == len(expected) + 1


def test_what_is_found_is_trained_moved_switched_and_saved():
    net = Holder(heads={"cat": [layer()]}, norms=[[BatchNorm2d(1)]])
    net.eval()
    assert not net.heads["cat"][0].training and not net.norms[0][0].training
    net.requires_grad_(False)
    assert not net.heads["cat"][0].weight.requires_grad
    net.heads["cat"][0].weight.grad = np.ones((1, 1))
    net.zero_grad()
    assert net.heads["cat"][0].weight.grad is None
    running = [f"norms.0.0.{name}" for name in ("running_mean", "running_var")]
    assert list(net.state_dict()) == ["heads.cat.0.weight", "norms.0.0.weight", "norms.0.0.bias", *running]
    assert [name for name, _ in net.named_buffers()] == running
    assert all(array is buffer for (_, array), buffer in zip(net.named_buffers(), net.buffers(), strict=True))


def test_a_modules_own_parameters_come_before_those_of_the_modules_inside():
    net = Holder(first=layer(), scale=Parameter(np.ones(1)), rest=[Parameter(np.ones(1)), layer()])
    assert names(net) == ["scale", "rest.0", "first.weight", "rest.1.weight"]


def test_parts_added_later_are_found():
    net = Holder(blocks=[])
    net.blocks.append(layer())
    net.extra = layer()
    assert names(net) == ["blocks.0.weight", "extra.weight"]


def test_the_ledger_names_layers_in_nested_containers():
    class Net(Module):
        def __init__(self):
            self.heads = {"cat": [Linear(2, 2, rng=0)]}

        def forward(self, x):
            return self.heads["cat"][0](x)

    with Tape() as tape:
        ops.sum(ops.tanh(Net()(Tensor(np.ones((1, 2), np.float32)))))
    assert "heads.cat.0" in {row.layer for row in tape.ledger.rows}


# ---- lists of modules ------------------------------------------------------------------------------------------


def test_modules_and_children_are_listed_with_and_without_names():
    inner = Sequential(layer(), ReLU())
    net = Holder(a=inner, b={"c": [layer()]})
    assert [name for name, _ in net.named_modules()] == ["", "a", "a.0", "a.1", "b.c.0"]
    assert list(net.modules()) == [net, inner, inner[0], inner[1], net.b["c"][0]]
    assert list(net.named_children()) == [("a", inner), ("b.c.0", net.b["c"][0])]
    assert list(net.children()) == [inner, net.b["c"][0]]


def test_what_is_inside_twice_is_listed_once_and_has_both_names_in_the_state():
    shared, norm = layer(), BatchNorm2d(1)
    net = Holder(a=shared, b=[shared, norm], c=norm, d=shared.weight)
    assert [name for name, _ in net.named_modules()] == ["", "a", "b.1"]
    assert list(net.named_children()) == [("a", shared), ("b.1", norm)]
    assert names(net) == ["d", "b.1.weight", "b.1.bias"] and net.num_parameters() == 3
    assert [name for name, _ in net.named_buffers()] == ["b.1.running_mean", "b.1.running_var"]
    assert {"d", "a.weight", "b.0.weight", "b.1.running_var", "c.running_var"} < net.state_dict().keys()


def test_apply_goes_through_the_inner_modules_first():
    net, seen = Holder(a=Sequential(ReLU(), layer()), b=layer()), []
    assert net.apply(seen.append) is net
    assert seen == [net.a[0], net.a[1], net.a, net.b, net]


# ---- what has no names -----------------------------------------------------------------------------------------


def cycle():
    net = Holder(a=Holder())
    net.a.back = [net]
    return net


def long_cycle():
    net = Holder(a=Sequential(Holder()))
    net.a[0].heads = {"x": net.a}
    return net


WALKS = [
    lambda net: net.parameters(),
    lambda net: list(net.modules()),
    lambda net: net.train(),
    lambda net: net.to("cpu"),
    lambda net: net.state_dict(),
    lambda net: net.apply(print),
    repr,
]


@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (cycle, "Holder: a.back.0 is a Holder that lies inside itself"),
        (long_cycle, "Holder: a.0.heads.x is a Sequential that lies inside itself"),
    ],
)
def test_a_module_inside_itself_is_one_sentence(make, message, walk):
    with pytest.raises(ValueError, match=f"^{message}$"):
        walk(make())


def test_a_list_inside_itself_is_one_sentence():
    blocks = [layer()]
    blocks.append(blocks)
    with pytest.raises(ValueError, match=r"^blocks.1 is a list that lies inside itself$"):
        Holder(blocks=blocks).parameters()


@pytest.mark.parametrize("kind", [set, frozenset])
def test_a_set_of_parts_is_refused_because_it_has_no_order(kind):
    with pytest.raises(ValueError, match=r"^heads.a is a set with a Linear: use a list, for its order$"):
        Holder(heads={"a": kind([layer()])}).parameters()


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"a": {1: layer(), "1": layer()}}, "a.1.weight"),
        ({"a": {"b.c": layer(), "b": {"c": layer()}}}, "a.b.c.weight"),
        ({"_modules": [layer()], "0": layer()}, "0.weight"),
    ],
)
def test_two_arrays_of_one_name_are_refused_before_one_is_lost(attributes, name):
    with pytest.raises(ValueError, match=f"^Holder: two arrays would be called {name}$"):
        Holder(**attributes).state_dict()


def test_an_attribute_called_modules_adds_nothing_to_names():
    class Heads(ModuleList):
        pass

    heads = Heads([layer()])
    heads.extra = layer()
    assert names(heads) == ["0.weight", "extra.weight"]
