"""gradcheck itself: what it measures, what it rejects, and what it says.

The rules of specframe.ops, right and planted wrong, are in tests/test_gradcheck.py.
"""

import numpy as np
import pytest

from specframe import gradcheck, ops
from specframe.gradcheck import GradcheckError
from specframe.layers import BatchNorm2d, Conv2d, Sequential
from specframe.tape import Op, apply
from tests.ops.common import normal
from tests.test_gradcheck import REJECTED, rejected


class Square(Op):
    """x * x; subclasses get the backward wrong."""

    name = "square"

    @staticmethod
    def forward(ctx, x):
        ctx.save(x=x)
        return x * x

    @staticmethod
    def backward(ctx, gy):
        return 2 * gy * ctx["x"].dense()


class Constant(Square):
    @staticmethod
    def backward(ctx, gy):
        return ctx.xp.full(gy.shape, 123.0)


class Zero(Square):
    @staticmethod
    def backward(ctx, gy):
        return ctx.xp.zeros(gy.shape)


class NotANumber(Square):
    @staticmethod
    def backward(ctx, gy):
        return ctx.xp.full(gy.shape, float("nan"))


class OffByALittle(Square):
    @staticmethod
    def backward(ctx, gy):
        return Square.backward(ctx, gy) * (1 + 1e-5)


class Missing(Square):
    @staticmethod
    def backward(ctx, gy):
        return None


class SpoilsItsInputForward(Square):
    @staticmethod
    def forward(ctx, x):
        y = Square.forward(ctx, x)
        x *= 1.5
        return y


class SpoilsItsInputBackward(Square):
    @staticmethod
    def backward(ctx, gy):
        gx = Square.backward(ctx, gy)
        saved = ctx["x"].dense()
        saved *= 1.5
        return gx


@pytest.fixture
def x(be, rng):
    return be.asarray(normal(rng, (3, 4)))


def test_a_right_rule_passes_and_the_largest_difference_is_returned(x):
    assert 0 <= gradcheck(lambda x: apply(Square, x), x) < 1e-8


@pytest.mark.parametrize("op", [Constant, Zero, NotANumber, OffByALittle])
def test_a_gradient_that_is_constant_zero_nan_or_slightly_off_is_rejected(x, op):
    rejected(lambda x: apply(op, x), x)


def test_the_message_names_the_input_the_direction_and_both_numbers(be):
    one = be.xp.ones(1)
    with pytest.raises(GradcheckError, match=f"^gradcheck: input 1, direction 0: {REJECTED}") as caught:
        gradcheck(lambda a, b: a + apply(Zero, b), one, one)
    assert "the backward 0 (relative difference 1, accepted 1e-06)" in str(caught.value)


@pytest.mark.parametrize("op", [SpoilsItsInputForward, SpoilsItsInputBackward])
def test_an_input_that_was_modified_is_rejected(x, op):
    with pytest.raises(GradcheckError, match=r"^gradcheck: input 0 was modified by the forward or the backward$"):
        gradcheck(lambda x: apply(op, x), x)


def test_a_missing_gradient_is_rejected(x):
    with pytest.raises(GradcheckError, match=r"^gradcheck: input 0 got no gradient$"):
        gradcheck(lambda x: apply(Missing, x), x)
    with pytest.raises(GradcheckError, match=r"^gradcheck: input 1 got no gradient$"):
        gradcheck(lambda a, b: a * 2, x, x)


def test_every_input_is_checked(x):
    for i in range(3):
        ops_of_inputs = [Constant if j == i else Square for j in range(3)]
        with pytest.raises(GradcheckError, match=f"^gradcheck: input {i}, "):
            gradcheck(lambda *a, o=ops_of_inputs: sum((apply(op, t) for op, t in zip(o, a, strict=True)), 0.0), x, x, x)


def test_a_linear_op_is_checked_to_rounding_and_a_curved_one_is_not_taken_for_linear(x):
    assert gradcheck(lambda x: x * 3 - 1, x, linear=True, rtol=1e-8) < 1e-12
    rejected(lambda x: ops.tanh(x), x, linear=True)


def test_a_constant_function_has_a_zero_gradient(x):
    assert gradcheck(lambda x: x * 0.0, x) == 0


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_is_refused(be, dtype):
    with pytest.raises(TypeError, match=f"^gradcheck: input 1 is {dtype}; use float64 or complex128$"):
        gradcheck(ops.add, be.xp.ones(2), be.xp.ones(2, dtype))


def test_the_same_seed_draws_the_same_directions(x):
    def fn(x):
        return ops.tanh(x)

    assert gradcheck(fn, x) == gradcheck(fn, x) != gradcheck(fn, x, seed=1)


@pytest.mark.parametrize("store", ["dense", "csr", "mask", "auto"])
def test_the_store_is_handed_to_the_tape(x, store):
    gradcheck(lambda x: ops.tanh(x) * x, x, store=store)
    with pytest.raises(ValueError, match="unknown recompute 'all'"):
        gradcheck(ops.tanh, x, store=store, recompute="all")


class NoGradient(Op):
    """x / |x| with zeros as its gradient, which they are under the cotangent x alone."""

    name = "no_gradient"

    @staticmethod
    def forward(ctx, x):
        return x / ctx.xp.linalg.norm(x)

    @staticmethod
    def backward(ctx, gy):
        return ctx.xp.zeros(gy.shape, gy.dtype)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("shape", [(5,), (3, 4)])
def test_the_cotangent_is_not_the_input_though_both_have_one_seed(seed, shape):
    x = np.random.default_rng(seed).standard_normal(shape)
    rejected(lambda x: apply(NoGradient, x), x, seed=seed)


def test_no_direction_would_check_nothing():
    with pytest.raises(ValueError, match="directions must be 1 or more, got 0"):
        gradcheck(ops.tanh, np.ones(3), directions=0)


def test_each_direction_has_a_cotangent_of_its_own():
    cotangents = []

    class Watched(Square):
        @staticmethod
        def backward(ctx, gy):
            cotangents.append(gy.copy())
            return Square.backward(ctx, gy)

    gradcheck(lambda x: apply(Watched, x), np.arange(1.0, 6.0), directions=3)
    assert len(cotangents) == 3 and len({array.tobytes() for array in cotangents}) == 3


def test_what_is_nothing_but_rounding_is_no_difference():
    rng = np.random.default_rng(2)
    net = Sequential(Conv2d(2, 3, 3, rng=0, dtype=np.float64), BatchNorm2d(3, dtype=np.float64))
    assert gradcheck(net, rng.standard_normal((6, 6, 4, 2))) < 1e-7  # the gradient of the bias is 0 there
