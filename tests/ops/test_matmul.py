"""matmul: matrices, vectors and batches, real and complex, and what is refused."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.ops.common import normal, run, value

SHAPES = [
    ((3, 4), (4, 2)),
    ((4,), (4,)),
    ((4,), (5, 4, 2)),
    ((5, 3, 4), (4,)),
    ((2, 1, 3, 4), (5, 4, 2)),
    ((3, 0), (0, 2)),
]


@pytest.mark.parametrize("dtypes", [("float64", "float64"), ("complex128", "float64"), ("float64", "complex128")])
@pytest.mark.parametrize("shapes", SHAPES)
def test_value_and_gradient(be, rng, shapes, dtypes):
    a, b = (normal(rng, shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True))
    np.testing.assert_allclose(value(be, ops.matmul, a, b), a @ b, rtol=1e-13, atol=1e-14)
    if a.size:
        gradcheck(ops.matmul, be.asarray(a), be.asarray(b))


def test_an_array_on_either_side_is_a_constant(be, rng):
    x, array = normal(rng, (3, 3)), be.asarray(normal(rng, (3, 3)))
    gradcheck(lambda x: array @ x, be.asarray(x), linear=True, rtol=1e-8)
    gradcheck(lambda x: x @ array, be.asarray(x), linear=True, rtol=1e-8)


def test_the_dot_product_of_vectors_is_a_number(be):
    y, gradients = run(be, ops.matmul, np.array([1.0, 2.0]), np.array([3.0, 5.0]))
    assert y.shape == () and y == 13
    np.testing.assert_array_equal(gradients, [[3, 5], [1, 2]])


def test_only_what_a_gradient_needs_is_kept(be):
    for of_a, kept in ((False, "a"), (True, "b")):
        a = Tensor(be.xp.ones((3, 4)), requires_grad=of_a)
        b = Tensor(be.xp.ones((4, 2)), requires_grad=not of_a)
        with Tape() as tape:
            ops.matmul(a, b)
        assert [row.array for row in tape.ledger.rows] == [kept]


@pytest.mark.parametrize(
    "shapes", [((2, 3), (2, 3)), ((2, 3), (2,)), ((), (2,)), ((2,), ()), ((2, 3, 4), (3, 4, 2)), ((3,), (2, 4))]
)
def test_shapes_that_do_not_fit_are_refused(be, shapes):
    a, b = (Tensor(be.xp.ones(shape)) for shape in shapes)
    with pytest.raises(ValueError, match=r"^matmul: expected shapes \(\.\.\., m, k\) and \(\.\.\., k, n\), got \("):
        ops.matmul(a, b)
