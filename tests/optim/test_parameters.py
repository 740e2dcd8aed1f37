"""What may be handed to an optimiser, and what is refused where it is given."""

import numpy as np
import pytest

from specframe import Tensor
from specframe.layers import Linear, Parameter, ReLU, Sequential
from specframe.optim import SGD, Adam
from specframe.optim.parameters import as_list


def net():
    return Sequential(Linear(3, 4, rng=0), ReLU(), Linear(4, 2, rng=1))


@pytest.mark.parametrize(
    "given",
    [
        lambda net: net,
        lambda net: net.parameters(),
        lambda net: iter(net.parameters()),
        lambda net: tuple(net.parameters()),
        lambda net: net.named_parameters(),
        lambda net: list(net.named_parameters()),
        lambda net: [{"params": net}],
        lambda net: iter([{"params": net.named_parameters()}]),
    ],
    ids=["module", "list", "iterator", "tuple", "named iterator", "named list", "group", "iterator of groups"],
)
def test_every_form_gives_the_parameters_in_order(given):
    model = net()
    assert list(map(id, SGD(given(model), lr=0.1).params)) == list(map(id, model.parameters()))


def test_one_parameter_alone_and_a_tensor_that_requires_a_gradient_will_do():
    p, t = Parameter(np.ones(2)), Tensor(np.ones(2), requires_grad=True)
    assert as_list("SGD", p) == [p] and as_list("SGD", [p, t]) == [p, t]
    p.requires_grad = False  # frozen: it gets no gradient, and stays
    assert as_list("SGD", [p]) == [p]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([np.ones(2)], r"SGD: expected Parameters, got a ndarray \(number 0\)"),
        ([Parameter(np.ones(2)), None], r"SGD: expected Parameters, got a NoneType \(number 1\)"),
        ([("weight", np.ones(2))], r"SGD: expected Parameters, got a ndarray \(weight\)"),
        ([Tensor(np.ones(2))], r"SGD: expected Parameters, got a Tensor that requires no gradient \(number 0\)"),
        (5, r"SGD: expected a Module or a list of Parameters, got a int"),
        ({"weight": Parameter(np.ones(2))}, r"SGD: expected a Module or a list of Parameters, got a dict"),
        ({Parameter(np.ones(2))}, r"SGD: expected a Module or a list of Parameters, got a set"),
        ([{"params": [1.0]}], r"SGD: expected Parameters, got a float \(number 0\)"),
        ([{"lr": 0.1}], r"SGD: group 0 has no 'params', only \['lr'\]"),
        ([{"params": net()}, {}], r"SGD: group 1 has no 'params', only nothing"),
    ],
)
def test_what_is_no_parameter_is_refused_by_name(given, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        SGD(given, lr=0.1)


def test_a_mixture_of_groups_and_parameters_is_refused():
    with pytest.raises(TypeError, match=r"^SGD: expected group 1 to be a dict with 'params', as the first is$"):
        SGD([{"params": net()}, Parameter(np.ones(2))], lr=0.1)


def test_a_parameter_that_is_given_twice_is_refused():
    p = Parameter(np.ones(2))
    with pytest.raises(ValueError, match=r"^SGD: one Parameter is given twice, as number 0 and as number 2$"):
        SGD([p, Parameter(np.ones(2)), p], lr=0.1)
    with pytest.raises(ValueError, match=r"^SGD: one Parameter is given twice, as a and as b$"):
        SGD([("a", p), ("b", p)], lr=0.1)
    with pytest.raises(ValueError, match=r"^Adam: one Parameter is given twice"):
        Adam([{"params": p}, {"params": p, "lr": 0.1}])


@pytest.mark.parametrize("empty", [[], (), iter([]), Sequential(), [{"params": []}]], ids=str)
def test_no_parameters_are_refused(empty):
    with pytest.raises(ValueError, match=r"^SGD: got no parameters$"):
        SGD(empty, lr=0.1)
