"""Sequential, ModuleList and ModuleDict: what may be in them, how they are indexed, and what it is called."""

from collections import OrderedDict

import numpy as np
import pytest

from specframe import Tape, Tensor, ops
from specframe.layers import Linear, Module, ModuleDict, ModuleList, ReLU, Sequential


def layer(seed=1):
    return Linear(2, 2, bias=False, rng=seed)


def names(module):
    return [name for name, _ in module.named_parameters()]


# ---- Sequential ------------------------------------------------------------------------------------------------


def test_sequential_is_indexed_and_named_by_position():
    first, second = Linear(3, 4), ReLU()
    net = Sequential(first, second, Linear(4, 2))
    assert len(net) == 3 and net[0] is first and net[1] is second and net[-1] is net[2]
    assert list(net)[:2] == [first, second]
    assert [name for name, _ in net.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    with pytest.raises(IndexError):
        net[3]


def test_sequential_calls_its_modules_in_turn(rng):
    a, b = Linear(3, 4, rng=1), Linear(4, 2, rng=2)
    x = Tensor(rng.standard_normal((5, 3)).astype(np.float32))
    np.testing.assert_array_equal(Sequential(a, ReLU(), b)(x).data, b(ReLU()(a(x))).data)
    assert Sequential()(x) is x


def test_a_slice_of_a_sequential_is_one_of_the_same_modules():
    net = Sequential(layer(), ReLU(), layer())
    part = net[1:]
    assert type(part) is Sequential and list(part) == [net[1], net[2]] and names(part) == ["1.weight"]


@pytest.mark.parametrize("wrap", [list, tuple])
def test_a_sequential_takes_a_list_of_modules(wrap):
    a, b = layer(), ReLU()
    assert list(Sequential(wrap([a, b]))) == [a, b]


def test_a_dict_names_the_modules_of_a_sequential(rng):
    a, b = layer(1), layer(2)
    net, x = Sequential(OrderedDict(last=a, first=b)), rng.standard_normal((3, 2)).astype(np.float32)
    assert names(net) == ["last.weight", "first.weight"] and net[1] is b
    np.testing.assert_array_equal(net(x).data, b(a(x)).data)


def test_a_plain_function_is_a_layer(rng):
    a, x = layer(), Tensor(rng.standard_normal((3, 2)).astype(np.float32))
    net = Sequential(a, ops.relu, lambda x: x * 2)
    np.testing.assert_array_equal(net(x).data, np.maximum(a(x).data, 0) * 2)
    assert names(net) == ["0.weight"] and isinstance(net[1], Module)
    with Tape() as tape:
        net(x)
    assert "1" in {row.layer for row in tape.ledger.rows}


@pytest.mark.parametrize("make", [lambda part: Sequential(layer(), part), lambda part: ModuleList([part])])
@pytest.mark.parametrize(
    ("part", "message"),
    [
        (3, "expected modules or functions, got int"),
        (None, "expected modules or functions, got NoneType"),
        ([ReLU()], "expected modules or functions, got list"),
        (ReLU, "got the class ReLU, expected one made of it"),
    ],
)
def test_what_is_no_module_is_refused_when_it_is_given(make, part, message):
    with pytest.raises(TypeError, match=f"^(Sequential|ModuleList): {message}$"):
        make(part)


def test_a_subclass_may_have_parts_of_its_own(rng):
    class Scaled(Sequential):
        def __init__(self):
            super().__init__(layer())
            self.after = layer()

        def forward(self, x):
            return self.after(super().forward(x))

    net = Scaled()
    assert names(net) == ["0.weight", "after.weight"]
    x = rng.standard_normal((3, 2)).astype(np.float32)
    np.testing.assert_array_equal(net(x).data, net.after(net[0](x)).data)


# ---- ModuleList ------------------------------------------------------------------------------------------------


def test_a_module_list_is_a_list():
    a, b, c, d = (layer(seed) for seed in range(4))
    blocks = ModuleList([a])
    blocks.append(c)
    blocks.insert(1, b)
    blocks += [d]
    assert list(blocks) == [a, b, c, d] and len(blocks) == 4 and blocks[-1] is d and c in blocks
    assert type(blocks[1:3]) is ModuleList and list(blocks[1:3]) == [b, c]
    assert blocks.pop(1) is b and names(blocks) == ["0.weight", "1.weight", "2.weight"]
    blocks[0] = ops.relu
    assert names(blocks) == ["1.weight", "2.weight"]
    del blocks[1:]
    assert len(blocks) == 1 and names(blocks) == []
    assert list(ModuleList()) == []


def test_a_net_finds_what_is_in_a_module_list_and_a_module_dict():
    class Net(Module):
        def __init__(self):
            self.blocks, self.heads = ModuleList([layer(), layer()]), ModuleDict({"cat": layer()})

        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return self.heads["cat"](x)

    net = Net()
    assert names(net) == ["blocks.0.weight", "blocks.1.weight", "heads.cat.weight"]
    assert not net.eval().heads["cat"].training
    with Tape() as tape:
        ops.sum(net(np.ones((1, 2), np.float32)))
    assert {"blocks.0", "blocks.1", "heads.cat"} == {row.layer for row in tape.ledger.rows}


# ---- ModuleDict ------------------------------------------------------------------------------------------------


def test_a_module_dict_is_a_dict():
    a, b = layer(1), layer(2)
    heads = ModuleDict([("z", a)])
    heads["a"] = b
    assert list(heads) == list(heads.keys()) == ["z", "a"] and list(heads.items()) == [("z", a), ("a", b)]
    assert list(heads.values()) == [a, b] and len(heads) == 2 and "z" in heads and heads.get("q") is None
    assert names(heads) == ["z.weight", "a.weight"]
    heads.update({"f": ops.relu})
    assert heads.pop("z") is a and list(heads) == ["a", "f"]
    del heads["a"]
    assert names(heads) == []
    with pytest.raises(KeyError):
        heads["z"]


def test_a_module_dict_equals_itself_only_and_can_be_in_a_set():
    one, other = ModuleDict(), ModuleDict()
    assert one == one and one != other and len({one, other}) == 2


@pytest.mark.parametrize("kind", [ModuleList, ModuleDict])
def test_lists_and_dicts_of_modules_are_not_called(kind):
    with pytest.raises(NotImplementedError, match=f"^{kind.__name__} does not define forward$"):
        kind()(1)
