"""gradcheck of whole nets, and near kinks: no wrong rule passes, and no right one is called wrong."""

import numpy as np
import pytest

from specframe import GradcheckError, Tensor, gradcheck, ops
from specframe.gradcheck import disagreement
from specframe.layers import (
    BatchNorm2d,
    Conv2d,
    Dropout,
    Linear,
    Module,
    Sequential,
)  # fmt: skip
from specframe.models import VGG16, LeNet5, SpecLeNet5, SpecVGG16
from specframe.op import Op
from specframe.tape import apply
from tests.ops.common import normal


class Leaky(Op):
    """max(x, 0), with a rule that may let everything through."""

    name = "leaky"

    @staticmethod
    def forward(ctx, x, right):
        ctx.save_bits(positive=x > 0)
        ctx.right = right
        return np.maximum(x, 0)

    @staticmethod
    def backward(ctx, gy):
        return gy * ctx["positive"].dense() if ctx.right else gy


@pytest.mark.parametrize("net", [LeNet5, SpecLeNet5])
def test_a_whole_net_with_pools_and_thresholds_passes_in_one_call(rng, net):
    assert gradcheck(net(image_size=12, seed=1, dtype=np.float64), normal(rng, (12, 12, 2, 1))) < 1e-6


@pytest.mark.parametrize("net", [VGG16, SpecVGG16])
def test_a_deep_net_with_batch_normalisation_passes(rng, net):
    gradcheck(net(width=1 / 32, seed=1, dtype=np.float64), normal(rng, (32, 32, 3, 3)), directions=1, rtol=1e-5)


def test_a_wrong_rule_inside_a_net_is_rejected_by_the_name_of_a_parameter(rng):
    first, last = Linear(4, 5, rng=1, dtype=np.float64), Linear(5, 2, rng=2, dtype=np.float64)

    class Net(Module):
        def __init__(self, right):
            self.first, self.last, self.right = first, last, right

        def forward(self, x):
            x = Tensor(x.data.astype(np.float64)) if x.dtype.kind == "i" else x
            return self.last(apply(Leaky, self.first(x), right=self.right))

    x = normal(rng, (6, 4))
    gradcheck(Net(True), x)
    with pytest.raises(GradcheckError, match=r"^gradcheck: input 0, direction 0: finite differences give"):
        gradcheck(Net(False), x)
    with pytest.raises(GradcheckError, match=r"^gradcheck: parameter first.weight, direction 0: finite"):
        gradcheck(Net(False), rng.integers(-2, 3, (6, 4)))  # integers are handed on, and only the parameters checked


def test_random_layers_and_statistics_are_put_back(rng):
    net = Sequential(Conv2d(1, 2, 3, dtype=np.float64), BatchNorm2d(2, dtype=np.float64), Dropout(0.4, seed=3))
    before, weights = net.state_dict(), [parameter.data for parameter in net.parameters()]
    gradcheck(net, normal(rng, (6, 5, 3, 1)))
    after = net.state_dict()
    assert before.keys() == after.keys()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert all(parameter.data is data for parameter, data in zip(net.parameters(), weights, strict=True))
    assert all(parameter.grad is None for parameter in net.parameters())


def test_a_gradient_that_is_zero_but_for_rounding_passes(rng):  # the mean takes the bias away
    net = Sequential(Conv2d(1, 2, 3, dtype=np.float64), BatchNorm2d(2, dtype=np.float64))
    gradcheck(net, normal(rng, (6, 5, 3, 1)))


def test_gradients_that_were_there_are_put_back(rng):
    net = Linear(3, 2, dtype=np.float64)
    net.weight.grad = held = np.ones((2, 3))
    gradcheck(net, normal(rng, (4, 3)))
    assert net.weight.grad is held


def test_a_net_in_single_precision_is_refused_by_the_name_of_a_parameter(rng):
    with pytest.raises(TypeError, match=r"^gradcheck: parameter weight is float32; use float64 or complex128$"):
        gradcheck(Linear(3, 2), normal(rng, (4, 3)))


# ---- kinks -----------------------------------------------------------------------------------------------------


def test_a_point_on_a_kink_is_left_for_another_one():
    assert gradcheck(ops.relu, np.array([0.0, 1.0, -1.0])) < 1e-6


def test_a_kink_within_the_step_is_passed_by_a_smaller_one():
    assert gradcheck(lambda x: ops.relu(x - 3e-6), np.array([0.0, 1.0])) < 1e-6
    assert gradcheck(lambda x: ops.threshold(x, 1.0), np.array([1 + 3e-6, 2.0, -3.0])) < 1e-6  # a jump
    tied = np.arange(16.0).reshape(4, 4, 1, 1)
    tied[0, 0] = tied[1, 1] + 2e-6
    assert gradcheck(ops.max_pool2d, tied) < 1e-6


class Ridge(Op):
    """|x - r|, with r moved to wherever the gradient is asked for: every point lies on the kink."""

    name, at = "ridge", None

    @staticmethod
    def forward(ctx, x):
        if ctx.recording:
            Ridge.at = x
        return np.abs(x - Ridge.at)

    @staticmethod
    def backward(ctx, gy):
        return gy


def test_where_every_point_lies_on_a_kink_the_message_says_so():
    with pytest.raises(GradcheckError, match=r"the point is on a kink; 3 points were tried, choose another one"):
        gradcheck(lambda x: apply(Ridge, x), np.array([0.5, 0.25]))


@pytest.mark.parametrize("wrong_by", [1e-5, 1e-2, 1.0, -2.0])
def test_a_wrong_rule_on_a_smooth_function_is_never_taken_for_a_kink(rng, wrong_by):
    class Off(Op):
        name = "off"

        @staticmethod
        def forward(ctx, x):
            ctx.save(x=x)
            return np.sin(x)

        @staticmethod
        def backward(ctx, gy):
            return gy * np.cos(ctx["x"].dense()) * (1 + wrong_by)

    with pytest.raises(GradcheckError, match=r"\(relative difference"):
        gradcheck(lambda x: apply(Off, x), normal(rng, (5, 4)))


# ---- the measure -----------------------------------------------------------------------------------------------


def test_a_difference_counts_relative_to_the_larger_number_and_to_a_thousandth_of_the_norms():
    assert disagreement(1.0, 1.0, 10.0) == 0
    assert disagreement(2.0, 1.0, 10.0) == disagreement(1.0, 2.0, 10.0) == 0.5
    assert disagreement(-2.0, 1.0, 10.0) == 1.5
    assert disagreement(1e-6, 0.0, 1.0) == pytest.approx(1e-3)  # against 1e-3: what cancels is compared with the norms
    assert disagreement(2e-3, 1e-3, 1.0) == pytest.approx(0.5)
    assert disagreement(0.0, 0.0, 0.0) == 0
