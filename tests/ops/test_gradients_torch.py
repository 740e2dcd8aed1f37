"""Values and gradients of the ops that PyTorch has too, equal to its float64 to 1e-9: broadcasting, ties, empty axes,
negative strides, complex numbers."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")

from torch.nn import functional as F  # noqa: E402

from specframe import Tape, Tensor, ops  # noqa: E402
from tests.ops.common import normal  # noqa: E402

TIES = np.array([[1.0, 2.0, 2.0, 0.0], [2.0, 2.0, 2.0, -1.0], [0.5, -0.0, 0.0, 0.5]])
POSITIVE = np.linspace(0.1, 3.0, 12).reshape(3, 4)
KINKS = np.array([[-2.0, -1.0, -0.5], [0.0, 0.5, 1.0], [1.5, -0.0, 2.0]])


def backwards(array):
    """The array with negative strides and gaps in memory."""
    spread = np.repeat(array, 2, axis=-1)[..., ::-1]
    return spread[..., ::2]


def agree(be, fn, torch_fn, *arrays):
    """fn and torch_fn on the same arrays: the value, and the gradients of Re sum(conj(g) y) for a random g."""
    leaves = [Tensor(be.asarray(array), requires_grad=True) for array in arrays]
    with Tape() as tape:
        y = fn(*leaves)
    theirs = [torch.tensor(array.copy(order="C"), requires_grad=True) for array in arrays]
    expected = torch_fn(*theirs)
    assert y.shape == tuple(expected.shape)
    g = normal(np.random.default_rng(1), y.shape, y.dtype)
    tape.backward(y, be.asarray(g))
    expected.backward(torch.tensor(g))
    np.testing.assert_allclose(y.numpy(), expected.detach().numpy(), rtol=1e-9, atol=1e-12)
    for leaf, their in zip(leaves, theirs, strict=True):
        np.testing.assert_allclose(be.to_host(leaf.grad), their.grad.numpy(), rtol=1e-9, atol=1e-12)


ENTRYWISE = {
    "exp": (ops.exp, torch.exp, [KINKS, POSITIVE]),
    "log": (ops.log, torch.log, [POSITIVE]),
    "sqrt": (ops.sqrt, torch.sqrt, [POSITIVE]),
    "abs": (ops.abs, torch.abs, [KINKS]),
    "sigmoid": (ops.sigmoid, torch.sigmoid, [KINKS, 40 * KINKS, 800 * KINKS]),
    "gelu": (ops.gelu, F.gelu, [KINKS, 40 * KINKS]),
    "clip": (lambda x: ops.clip(x, -1, 1), lambda x: torch.clamp(x, -1, 1), [KINKS]),
    "clip from below": (lambda x: ops.clip(x, min=0.5), lambda x: torch.clamp(x, min=0.5), [KINKS]),
    "clip from above": (lambda x: ops.clip(x, max=0.5), lambda x: torch.clamp(x, max=0.5), [KINKS]),
    "clip, bounds crossed": (lambda x: ops.clip(x, 1, -1), lambda x: torch.clamp(x, 1, -1), [KINKS]),
    "power": (lambda x: x**1.5, lambda x: x**1.5, [POSITIVE]),
    "softmax": (ops.softmax, lambda x: torch.softmax(x, -1), [KINKS, 800 * KINKS]),
    "log_softmax": (ops.log_softmax, lambda x: torch.log_softmax(x, -1), [KINKS, 800 * KINKS]),
}


@pytest.mark.parametrize("name", ENTRYWISE)
def test_entry_by_entry(be, name):
    fn, torch_fn, inputs = ENTRYWISE[name]
    for x in inputs:
        agree(be, fn, torch_fn, x)
        agree(be, fn, torch_fn, backwards(x))
        agree(be, fn, torch_fn, x[:0])
        if "softmax" not in name:
            agree(be, fn, torch_fn, x[1, 1].reshape(()))


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "abs"])
def test_entry_by_entry_of_complex_numbers(be, rng, name):
    x = normal(rng, (3, 4), complex)
    agree(be, getattr(ops, name), getattr(torch, name), x)
    agree(be, getattr(ops, name), getattr(torch, name), backwards(x))


def test_the_absolute_value_has_gradient_zero_at_complex_zero(be):
    agree(be, ops.abs, torch.abs, np.array([0, 1j, 3 - 4j, 0]))


SHAPES = [
    ((3, 4), (3, 4)),
    ((3, 4), (4,)),
    ((2, 1, 4), (3, 1)),
    ((), (2, 3)),
    ((), ()),
    ((0, 3), (3,)),
    ((1, 1), (2, 0)),
]


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum", "minimum"])
def test_two_inputs_broadcast(be, rng, name, shapes):
    a, b = (normal(rng, shape) for shape in shapes)
    agree(be, getattr(ops, name), getattr(torch, name), a, b + np.where(b > 0, 1, -1))


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_equal_entries_of_two_share_the_gradient_and_nan_passes_it_to_both(be, name):
    agree(be, getattr(ops, name), getattr(torch, name), TIES, TIES[:, ::-1])
    agree(be, getattr(ops, name), getattr(torch, name), TIES, TIES[1])
    a, b = np.array([np.nan, 1.0, np.nan, np.inf]), np.array([1.0, np.nan, np.nan, np.inf])
    agree(be, getattr(ops, name), getattr(torch, name), a, b)


AXES = [None, 0, -1, (0, 2), (1,), (-1, 0, 1)]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_sum_mean_var(be, rng, axis, keepdims, dtype):
    x = normal(rng, (2, 3, 4), dtype)
    dim = tuple(range(3)) if axis is None else axis
    agree(be, lambda x: ops.sum(x, axis, keepdims), lambda x: torch.sum(x, dim, keepdims), x)
    agree(be, lambda x: ops.mean(x, axis, keepdims), lambda x: torch.mean(x, dim, keepdims), x)
    for correction in (0, 1):
        agree(
            be, lambda x, c=correction: ops.var(x, axis, keepdims, c),
            lambda x, c=correction: torch.var(x, dim, correction=c, keepdim=keepdims), backwards(x),
        )  # fmt: skip


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), -1])
@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_share_the_gradient_of_the_largest_and_the_smallest(be, rng, name, axis, keepdims):
    theirs, dim = getattr(torch, f"a{name}"), () if axis is None else axis
    for x in (TIES, normal(rng, (3, 4)), backwards(TIES), TIES[..., None]):
        agree(be, lambda x: getattr(ops, name)(x, axis, keepdims), lambda x: theirs(x, dim, keepdims), x)


def test_reductions_along_axes_that_meet_an_empty_one(be):
    x = np.zeros((3, 0, 2))
    agree(be, lambda x: ops.sum(x, 1), lambda x: torch.sum(x, 1), x)
    agree(be, lambda x: ops.sum(x), lambda x: torch.sum(x), x)
    agree(be, lambda x: ops.mean(x, 0), lambda x: torch.mean(x, 0), x)
    agree(be, lambda x: ops.max(x, -1), lambda x: torch.amax(x, -1), x)
    agree(be, lambda x: ops.softmax(x, 1), lambda x: torch.softmax(x, 1), x)
    agree(be, lambda x: ops.log_softmax(x, 0), lambda x: torch.log_softmax(x, 0), x)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_along_an_axis(be, rng, axis):
    x = normal(rng, (2, 3, 4)) * 5
    agree(be, lambda x: ops.softmax(x, axis), lambda x: torch.softmax(x, axis), x)
    agree(be, lambda x: ops.log_softmax(x, axis), lambda x: torch.log_softmax(x, axis), x)


def test_softmax_of_a_masked_row(be):
    x = np.array([[1.0, -np.inf, 2.0], [-np.inf, -np.inf, 0.0]])
    agree(be, ops.softmax, lambda x: torch.softmax(x, -1), x)


MATRICES = [
    ((3, 4), (4, 2)), ((4,), (4,)), ((4,), (4, 2)), ((3, 4), (4,)), ((5, 3, 4), (4, 2)), ((3, 4), (5, 4, 2)),
    ((2, 1, 3, 4), (5, 4, 2)), ((4,), (2, 4, 3)), ((2, 3, 4), (4,)), ((1, 3, 4), (5, 4, 2)), ((1, 1), (1, 1)),
    ((0, 4), (4, 2)), ((3, 0), (0, 2)), ((2, 0, 3, 4), (4, 2)), ((3, 4), (4, 0)), ((0,), (0,)), ((1, 4), (4,)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("shapes", MATRICES)
def test_matmul(be, rng, shapes, dtype):
    a, b = (normal(rng, shape, dtype) for shape in shapes)
    agree(be, ops.matmul, torch.matmul, a, b)
    agree(be, ops.matmul, torch.matmul, backwards(a), backwards(b))


INDICES = [
    0, -1, slice(None, None, 2), slice(2, 0, -1), None, ..., (0, 1), (..., 0), (slice(1, 3), None, 2),
    [0, 2, 0, 0], ([0, 1, 0], [1, 1, 1]), (slice(None), [0, 0, 3]), ([[0, 1], [2, 0]], ..., 0),
    (None, [1, 1], ..., None), (0, [1, 1]), ([0, 0], slice(None), [1, 1]), [], slice(0, 0), (),
]  # fmt: skip


def unreversed(index):
    """PyTorch has no negative steps and no lists in tuples of its own: the same entries by numbers."""
    parts = index if isinstance(index, tuple) else (index,)
    parts = [torch.arange(3)[[2, 1]] if part == slice(2, 0, -1) else part for part in parts]
    return tuple(torch.tensor(part, dtype=torch.int64) if isinstance(part, list) else part for part in parts)


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_getitem(be, rng, index, dtype):
    x = normal(rng, (3, 4, 2), dtype)
    agree(be, lambda x: x[index], lambda x: x[unreversed(index)], x)
    agree(be, lambda x: x[index], lambda x: x[unreversed(index)], backwards(x))


def test_getitem_by_masks(be, rng):
    x = normal(rng, (3, 4))
    rows = np.array([True, False, True])
    agree(be, lambda x: x[x > 0], lambda x: x[x > 0], x)
    agree(be, lambda x: x[be.asarray(rows)], lambda x: x[torch.tensor(rows)], x)
    agree(be, lambda x: x[be.asarray(rows), 1:], lambda x: x[torch.tensor(rows), 1:], x)
    agree(be, lambda x: x[be.asarray(rows), [0, 0]], lambda x: x[torch.tensor(rows), [0, 0]], x)
    agree(be, lambda x: x[x > 9], lambda x: x[x > 9], x)


def test_arrangements(be, rng):
    x, y = normal(rng, (2, 3, 4)), normal(rng, (2, 3, 4))
    agree(be, lambda x: x.reshape(4, -1), lambda x: x.reshape(4, -1), x)
    agree(be, lambda x: x.transpose(-2, -1), lambda x: x.transpose(-2, -1), x)
    agree(be, lambda x: x.transpose(2, 0, 1), lambda x: x.permute(2, 0, 1), x)
    agree(be, lambda x: x.T, lambda x: x.permute(2, 1, 0), x)
    agree(be, lambda x: x.flatten(), lambda x: x.flatten(), x)
    agree(be, lambda x: x.flatten(1), lambda x: x.flatten(1), backwards(x))
    agree(be, lambda x: x.flatten(0, 1), lambda x: x.flatten(0, 1), x)
    agree(be, lambda x: x[:, :1].squeeze(), lambda x: x[:, :1].squeeze(), x)
    agree(be, lambda x: x[:, :1].squeeze(1), lambda x: x[:, :1].squeeze(1), x)
    for axis in (0, 1, -1):
        agree(be, lambda *parts: ops.stack(parts, axis), lambda *parts: torch.stack(parts, axis), x, y)  # noqa: B023
        agree(be, lambda *parts: ops.concatenate(parts, axis), lambda *parts: torch.cat(parts, axis), x, y)  # noqa: B023
    agree(be, lambda x: ops.pad(x, ((0, 0), (1, 2), (3, 0)), 0.5), lambda x: F.pad(x, (3, 0, 1, 2), value=0.5), x)
    agree(be, lambda x: ops.pad(x, (1, 2)), lambda x: F.pad(x, (1, 2) * 3), x[:0])


def test_losses(be, rng):
    x, t = normal(rng, (5, 3)), normal(rng, (5, 3))
    labels = np.array([2, 0, 1, 1, 0])
    agree(be, ops.mse_loss, F.mse_loss, x, t)
    agree(be, lambda x: ops.mse_loss(x, be.asarray(t)), lambda x: F.mse_loss(x, torch.tensor(t)), backwards(x))
    agree(
        be, lambda x: ops.cross_entropy(x, be.asarray(labels)), lambda x: F.cross_entropy(x, torch.tensor(labels)), x
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "features"), [((2, 3, 4), (4,)), ((2, 3, 4), (3, 4)), ((3, 4), (3, 4)), ((0, 4), (4,))]
)
def test_layer_norm(be, rng, shape, features):
    x, gamma, beta = 3 * normal(rng, shape) + 1, normal(rng, features), normal(rng, features)
    agree(be, ops.layer_norm, lambda x, g, b: F.layer_norm(x, features, g, b), x, gamma, beta)
    agree(be, lambda x, g: ops.layer_norm(x, g, eps=0.1), lambda x, g: F.layer_norm(x, features, g, eps=0.1), x, gamma)


@pytest.mark.parametrize("indices", [[1, 1, 0, 3, 1], [[0, 2], [2, 2]], 2, np.zeros((0, 2), int)])
def test_embedding(be, rng, indices):
    agree(
        be, lambda weight: ops.embedding(be.asarray(np.asarray(indices)), weight),
        lambda weight: F.embedding(torch.tensor(indices), weight), normal(rng, (4, 3)),
    )  # fmt: skip
