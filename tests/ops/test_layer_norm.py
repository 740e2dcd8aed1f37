"""layer_norm: mean 0 and variance 1 over the last axes, gradients, and what is refused."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, value


@pytest.mark.parametrize(("shape", "features"), [((2, 3, 4), (4,)), ((2, 3, 4), (3, 4)), ((3, 4), (3, 4))])
def test_gradients(be, rng, shape, features):
    arrays = 3 * normal(rng, shape) + 1, normal(rng, features), normal(rng, features)
    gradcheck(ops.layer_norm, *map(be.asarray, arrays))
    gradcheck(lambda x, gamma: ops.layer_norm(x, gamma, eps=0.1), *map(be.asarray, arrays[:2]))


def test_samples_have_mean_beta_and_deviation_gamma(be, rng):
    x = 3 * normal(rng, (5, 1000)) + 7
    y = value(be, lambda x, g, b: ops.layer_norm(x, g, b, 0.0), x, np.full(1000, 2.0), np.full(1000, -1.0))
    np.testing.assert_allclose(y.mean(axis=1), -1, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=1), 2, rtol=1e-12)


def test_eps_is_added_to_the_variance(be):
    y = value(be, lambda x, g: ops.layer_norm(x, g, eps=3.0), np.array([-1.0, 1.0]), np.ones(2))
    np.testing.assert_array_equal(y, [-0.5, 0.5])


def test_one_map_and_one_number_a_sample_are_kept(be):
    x, gamma = (Tensor(be.asarray(np.ones(shape)), requires_grad=True) for shape in ((10, 100), (100,)))
    with Tape(store="dense") as tape:
        ops.layer_norm(x, gamma)
    assert {row.array: row.nbytes for row in tape.ledger.rows} == {"n": 8000, "s": 80, "gamma": 0}


@pytest.mark.parametrize(
    ("shape", "gamma", "dtype"),
    [
        ((2, 3), (4,), "float64"),
        ((3,), (2, 3), "float64"),
        ((2, 3), (), "float64"),
        ((2, 3), (3,), "float32"),
        ((2, 0), (0,), "float64"),
    ],
)
def test_weights_that_do_not_fit_are_refused(be, shape, gamma, dtype):
    with pytest.raises(ValueError, match=r"^layer_norm: expected x \(\.\.\., \*features\) and gamma \(\*features\) of"):
        ops.layer_norm(Tensor(be.xp.ones(shape)), Tensor(be.xp.ones(gamma, dtype)))


def test_a_beta_that_does_not_fit_gamma_is_refused(be):
    x, gamma, beta = (Tensor(be.xp.ones(shape)) for shape in ((2, 3), (3,), (2, 3)))
    with pytest.raises(ValueError, match=r"^layer_norm: .* and beta \(\*features\) .* \(2, 3\) float64$"):
        ops.layer_norm(x, gamma, beta)


@pytest.mark.parametrize(("needs", "kept"), [((0, 1, 1), {"n"}), ((0, 0, 1), set()), ((1, 0, 0), {"n", "s", "gamma"})])
def test_only_what_a_gradient_needs_is_kept(be, needs, kept):
    shapes = (2, 3), (3,), (3,)
    tensors = [Tensor(be.xp.ones(shape), requires_grad=bool(n)) for shape, n in zip(shapes, needs, strict=True)]
    with Tape() as tape:
        ops.layer_norm(*tensors)
    assert {row.array for row in tape.ledger.rows} == kept
