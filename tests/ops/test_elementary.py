"""exp, log and sqrt: values, gradients of real and complex numbers, integers, and what is kept."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, run, value

NAMES = ["exp", "log", "sqrt"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_value_and_gradient(be, rng, name, dtype):
    x = normal(rng, (3, 4), dtype)
    x = np.abs(x) + 0.1 if dtype == "float64" else x
    np.testing.assert_allclose(value(be, getattr(ops, name), x), getattr(np, name)(x), rtol=1e-15)
    gradcheck(getattr(ops, name), be.asarray(x))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["int64", "uint8"])
def test_integers_become_float64(be, name, dtype):
    y = getattr(ops, name)(Tensor(be.asarray(np.array([1, 4], dtype))))
    assert y.dtype == np.float64
    np.testing.assert_allclose(y.numpy(), getattr(np, name)([1.0, 4.0]))


def test_exact_values_and_gradients(be):
    for op, x, expected, slope in [(ops.exp, 0.0, 1, 1), (ops.log, 4.0, np.log(4), 0.25), (ops.sqrt, 4.0, 2, 0.25)]:
        y, (gradient,) = run(be, op, np.array([x]))
        assert y == expected and gradient == slope


def test_each_keeps_one_array(be):
    x = Tensor(be.asarray(np.ones(1000)), requires_grad=True)
    with Tape(store="dense") as tape:
        ops.exp(x), ops.sqrt(x), ops.log(x)
    assert [(row.op, row.array, row.nbytes) for row in tape.ledger.rows] == [
        ("exp", "y", 8000), ("sqrt", "y", 8000), ("log", "x", 0)
    ]  # fmt: skip
