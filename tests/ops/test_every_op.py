"""What every op promises, whatever it computes: precision kept, inputs left alone, one answer with and without a tape,
a gradient that agrees with finite differences, and one sentence for what is no Tensor or lies on two devices."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from tests.kit.strict import STRICT
from tests.ops.common import normal, on_grid, value

MAP, SPECTRUM, GRID, WEIGHT = (4, 5, 2, 3), (4, 3, 2, 3), (4, 5), (2, 3, 3, 3)


def cross_entropy(x):
    return ops.softmax_cross_entropy(x, x.backend.asarray(np.array([2, 0, 1])))


# op: a call of it, and the inputs: "r" real or "c" complex, with their shapes
CALLS = {
    "abs": (ops.abs, [("c", (3, 4))]),
    "add": (ops.add, [("r", (3, 4)), ("r", (4,))]),
    "avg_pool2d": (ops.avg_pool2d, [("r", MAP)]),
    "batch_norm2d": (ops.batch_norm2d, [("r", MAP), ("r", (3,)), ("r", (3,))]),
    "clip": (lambda x: ops.clip(x, -0.5, 0.5), [("r", (3, 4))]),
    "concatenate": (lambda *parts: ops.concatenate(parts), [("c", SPECTRUM), ("c", SPECTRUM)]),
    "conv2d": (ops.conv2d, [("r", MAP), ("r", WEIGHT), ("r", (2,))]),
    "convert": (ops.convert, [("c", (3, 4))]),
    "cross_entropy": (cross_entropy, [("r", (3, 4))]),
    "decimate": (on_grid(lambda Y: ops.decimate(Y, 2), (4, 4)), [("c", SPECTRUM)]),
    "divide": (ops.divide, [("c", (3, 4)), ("c", (3, 4))]),
    "dropout": (ops.dropout, [("r", MAP)]),
    "embedding": (lambda weight: ops.embedding([[0, 2], [2, 1]], weight), [("r", (4, 3))]),
    "exp": (ops.exp, [("c", (3, 4))]),
    "flatten": (ops.flatten, [("c", MAP)]),
    "gelu": (ops.gelu, [("r", (3, 4))]),
    "getitem": (lambda x: ops.getitem(x, ([0, 2, 0], slice(1, 3))), [("c", (3, 4))]),
    "global_avg_pool2d": (ops.global_avg_pool2d, [("r", MAP)]),
    "irfft2": (lambda Z: ops.irfft2(Z, grid=GRID), [("c", SPECTRUM)]),
    "layer_norm": (ops.layer_norm, [("r", MAP), ("r", (2, 3)), ("r", (2, 3))]),
    "leaky_relu": (ops.leaky_relu, [("r", MAP)]),
    "linear": (ops.linear, [("r", (2, 3)), ("r", (4, 3)), ("r", (4,))]),
    "log": (ops.log, [("c", (3, 4))]),
    "log_softmax": (ops.log_softmax, [("r", (3, 4))]),
    "matmul": (ops.matmul, [("c", (2, 3, 4)), ("c", (4, 2))]),
    "max": (lambda x: ops.max(x, 0), [("r", (3, 4))]),
    "max_pool2d": (ops.max_pool2d, [("r", MAP)]),
    "maximum": (ops.maximum, [("r", (3, 4)), ("r", (4,))]),
    "mean": (lambda x: ops.mean(x, 0), [("c", (3, 4))]),
    "min": (lambda x: ops.min(x, 0), [("r", (3, 4))]),
    "minimum": (ops.minimum, [("r", (3, 4)), ("r", (4,))]),
    "mse_loss": (ops.mse_loss, [("c", (3, 4)), ("c", (3, 4))]),
    "multiply": (ops.multiply, [("c", (3, 4)), ("c", (3, 4))]),
    "pad": (lambda x: ops.pad(x, ((1, 0), (0, 2))), [("c", (3, 4))]),
    "power": (lambda x: ops.power(x, 3), [("c", (3, 4))]),
    "relu": (ops.relu, [("r", MAP)]),
    "reshape": (lambda x: ops.reshape(x, (5, -1)), [("c", MAP)]),
    "rfft2": (lambda x: ops.rfft2(x, GRID), [("r", MAP)]),
    "sigmoid": (ops.sigmoid, [("r", MAP)]),
    "softmax": (ops.softmax, [("r", (3, 4))]),
    "softmax_cross_entropy": (cross_entropy, [("r", (3, 4))]),
    "spectral_act": (on_grid(lambda Y: ops.spectral_act(Y, 1.0), GRID), [("c", SPECTRUM)]),
    "spectral_batch_norm2d": (on_grid(ops.spectral_batch_norm2d, GRID), [("c", SPECTRUM), ("r", (3,)), ("r", (3,))]),
    "spectral_conv2d": (lambda *a: ops.spectral_conv2d(*a, grid=GRID), [("c", SPECTRUM), ("r", WEIGHT), ("r", (2,))]),
    "spectral_conv_act": (
        lambda *a: ops.spectral_conv_act(*a, grid=GRID, beta=2.0),
        [("c", SPECTRUM), ("r", WEIGHT), ("r", (2,))],
    ),
    "split_activation": (lambda Y: ops.split_activation(Y, "softsign"), [("c", SPECTRUM)]),
    "split_tanh": (ops.split_tanh, [("c", SPECTRUM)]),
    "sqrt": (ops.sqrt, [("c", (3, 4))]),
    "squeeze": (ops.squeeze, [("c", (1, 3, 1))]),
    "stack": (lambda *parts: ops.stack(parts, 1), [("c", (3, 4)), ("c", (3, 4))]),
    "subtract": (ops.subtract, [("c", (3, 4)), ("c", (1, 4))]),
    "sum": (ops.sum, [("c", (3, 4))]),
    "tanh": (ops.tanh, [("r", MAP)]),
    "threshold": (lambda Y: ops.threshold(Y, 1.0), [("c", SPECTRUM)]),
    "transpose": (lambda x: ops.transpose(x, (2, 0, 3, 1)), [("c", MAP)]),
    "var": (lambda x: ops.var(x, 0, correction=1), [("c", (3, 4))]),
}
COMPLEX_RESULT = set(
    """concatenate convert decimate divide exp flatten getitem log matmul mean multiply pad power reshape rfft2
    spectral_act spectral_batch_norm2d spectral_conv2d spectral_conv_act split_activation split_tanh sqrt squeeze stack
    subtract sum threshold transpose""".split()
)
NO_GRADIENT = ["argmax", "detach"]
CONSTANTS = "add subtract multiply divide maximum minimum matmul mse_loss".split()  # the other side may be an array
SEVERAL_INPUTS = [name for name, (_, inputs) in CALLS.items() if len(inputs) > 1]

every_op = pytest.mark.parametrize("name", CALLS)


def draw(rng, name, single=False):
    dtypes = {"r": np.float32, "c": np.complex64} if single else {"r": np.float64, "c": np.complex128}
    return [normal(rng, shape, dtypes[kind]) for kind, shape in CALLS[name][1]]


def test_no_op_is_missing_here():
    assert sorted([*CALLS, *NO_GRADIENT]) == sorted(ops.__all__)


@every_op
def test_gradient_agrees_with_finite_differences(be, rng, name):
    assert gradcheck(CALLS[name][0], *(be.asarray(array) for array in draw(rng, name))) < 1e-6


@every_op
def test_single_precision_is_kept_by_the_value_and_the_gradients(be, rng, name):
    leaves = [Tensor(be.asarray(array), requires_grad=True) for array in draw(rng, name, single=True)]
    with Tape() as tape:
        y = CALLS[name][0](*leaves)
    assert isinstance(y.data, be.array_type)
    assert y.dtype == (np.complex64 if name in COMPLEX_RESULT else np.float32)
    tape.backward(y, be.xp.ones(y.shape, y.dtype))
    for leaf in leaves:
        assert isinstance(leaf.grad, be.array_type)
        assert (leaf.grad.dtype, leaf.grad.shape) == (leaf.dtype, leaf.shape)


@every_op
def test_inputs_and_cotangent_are_not_modified(be, rng, name):
    arrays = draw(rng, name)
    leaves = [Tensor(be.asarray(array.copy()), requires_grad=True) for array in arrays]
    with Tape() as tape:
        y = CALLS[name][0](*leaves)
    gy = normal(rng, y.shape, y.dtype)
    on_device = be.asarray(gy.copy())
    tape.backward(y, on_device)
    np.testing.assert_array_equal(be.to_host(on_device), gy)
    for leaf, array in zip(leaves, arrays, strict=True):
        np.testing.assert_array_equal(leaf.numpy(), array)


@every_op
def test_the_value_is_the_same_with_and_without_a_tape(be, rng, name):
    call, arrays = CALLS[name][0], draw(rng, name)
    with Tape():
        recorded = call(*(Tensor(be.asarray(array), requires_grad=True) for array in arrays))
    np.testing.assert_array_equal(recorded.numpy(), value(be, call, *arrays))


@every_op
def test_an_input_that_needs_no_gradient_gets_none(be, rng, name):
    arrays = draw(rng, name)
    for i in range(len(arrays)):
        leaves = [Tensor(be.asarray(array), requires_grad=j == i) for j, array in enumerate(arrays)]
        with Tape() as tape:
            y = CALLS[name][0](*leaves)
        tape.backward(y, be.xp.ones(y.shape, y.dtype))
        assert [leaf.grad is not None for leaf in leaves] == [j == i for j in range(len(arrays))]


@every_op
def test_a_plain_array_or_list_is_refused_by_the_name_of_the_op(be, rng, name):
    if name in ("softmax_cross_entropy", "cross_entropy"):
        name = "softmax_cross_entropy"
        call, arrays = lambda x: ops.softmax_cross_entropy(x, be.xp.zeros(3, "int64")), draw(rng, name)
    else:
        call, arrays = CALLS[name][0], draw(rng, name)
    refused = pytest.raises(TypeError, match=f"^{name}: expected (a|at least one) Tensor, got ")
    for form in (be.asarray, np.ndarray.tolist):
        with refused:
            call(*map(form, arrays))
        for i in range(len(arrays) if name not in CONSTANTS else 0):
            with refused:
                call(*(form(array) if j == i else Tensor(be.asarray(array)) for j, array in enumerate(arrays)))


@pytest.mark.parametrize("name", SEVERAL_INPUTS)
def test_inputs_on_two_devices_are_refused_by_the_name_of_the_op(rng, name):
    first, *rest = draw(rng, name)
    with pytest.raises(TypeError, match=rf"^{name}: got arrays on two devices"):
        CALLS[name][0](Tensor(STRICT.asarray(first)), *(Tensor(array) for array in rest))
