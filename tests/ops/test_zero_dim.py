"""Numbers, as 0-d tensors: NumPy makes scalars of them, and NumPy 1 doubles their precision; neither is seen here."""

import numpy as np
import pytest

from specframe import Op, Tape, Tensor, apply, ops

UNARY = {
    "abs": ops.abs, "clip": lambda x: ops.clip(x, 0, 1), "convert": ops.convert, "exp": ops.exp, "flatten": ops.flatten,
    "gelu": ops.gelu, "getitem": lambda x: x[...], "leaky_relu": ops.leaky_relu, "log": ops.log, "max": ops.max,
    "mean": ops.mean, "min": ops.min, "negative": lambda x: -x, "new axis": lambda x: x[None],
    "pad": lambda x: ops.pad(x, 1), "power": lambda x: x**2, "power 0": lambda x: x**0, "power 0.5": lambda x: x**0.5,
    "relu": ops.relu, "reshape": lambda x: x.reshape(1, 1), "sigmoid": ops.sigmoid,
    "softmax": lambda x: ops.softmax(x, None), "log_softmax": lambda x: ops.log_softmax(x, ()),
    "sqrt": ops.sqrt, "squeeze": ops.squeeze, "sum": ops.sum,
    "stack": lambda x: ops.stack([x]), "tanh": ops.tanh, "transpose": ops.transpose, "var": ops.var,
    "with a number": lambda x: 2.5 * x, "over a number": lambda x: x / 2.5, "under a number": lambda x: 2.5 / x,
}  # fmt: skip
BINARY = {
    name: getattr(ops, name)
    for name in ("add", "subtract", "multiply", "divide", "maximum", "minimum", "mse_loss")
}  # fmt: skip


def check(be, fn, *numbers):
    leaves = [Tensor(be.asarray(np.array(number, np.float32)), requires_grad=True) for number in numbers]
    with Tape() as tape:
        y = fn(*leaves)
    assert isinstance(y.data, be.array_type) and y.dtype == np.float32
    tape.backward(y, be.xp.ones(y.shape, y.dtype))
    for leaf in leaves:
        assert isinstance(leaf.grad, be.array_type) and (leaf.grad.shape, leaf.grad.dtype) == ((), np.float32)


@pytest.mark.parametrize("name", UNARY)
def test_an_op_of_a_number_gives_arrays_in_its_precision(be, name):
    check(be, UNARY[name], 0.75)


@pytest.mark.parametrize("name", BINARY)
def test_an_op_of_two_numbers_gives_arrays_in_their_precision(be, name):
    check(be, BINARY[name], 0.75, 0.5)


def test_a_chain_of_numbers_stays_one_of_arrays(be):
    check(be, lambda a, b: ops.exp(ops.tanh(a * 2) / (b + 1)), 0.75, 0.5)


class Squared(Op):
    """An op of one's own, which leaves 0-d arrays to NumPy."""

    name = "squared"

    @staticmethod
    def forward(ctx, x):
        y = x * x
        ctx.save(x=x, y=y, double=x + x)
        ctx.save_bits(positive=x > 0)
        return y

    @staticmethod
    def backward(ctx, gy):
        assert isinstance(gy, ctx.backend.array_type)
        assert all(isinstance(ctx[name].dense(), ctx.backend.array_type) for name in ctx.saved)
        return gy * ctx["double"].dense()


def test_an_op_of_ones_own_meets_arrays_only(be):
    check(be, lambda x: apply(Squared, apply(Squared, x)), 0.75)
