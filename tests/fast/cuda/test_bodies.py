"""CUDA's bodies, their kernels compiled for the CPU, give what the plain bodies give; whole nets too."""

import itertools

import numpy as np
import pytest

from specframe import Tape, Tensor, models, ops, reference
from specframe.backend import CUDA
from specframe.bodies import body
from specframe.fast import cuda
from specframe.fast.cuda import conv2d
from specframe.ops.split_activation import ACTIVATIONS
from specframe.spectrum import Spectrum
from tests.fast.bodies import LAYOUTS, assert_bodies_agree, on_strict
from tests.fast.cpu.test_conv2d import VARIANTS, draw
from tests.kit import shim
from tests.kit.strict import STRICT
from tests.ops.common import clear_beta, normal, on_grid

pytestmark = pytest.mark.skipif(shim.COMPILER is None, reason=shim.WHY_NOT)
GRIDS = [(4, 6), (5, 7), (1, 2), (6, 1)]
NEEDS = [(True, False, False), (False, True, False), (False, False, True), (True, True, True)]


def agree(fn, *arrays, **options):
    assert_bodies_agree(fn, *arrays, put=on_strict, **options)


def half(grid, batch, channels):
    return grid[0], grid[1] // 2 + 1, batch, channels


def test_every_module_registers_a_body_for_cuda_alone():
    bodies = {own.__module__ for own in CUDA.bodies.values()}
    assert bodies == {f"specframe.fast.cuda.{name}" for name in cuda.__all__}
    for op, own in CUDA.bodies.items():
        assert issubclass(own, op) and own is not op and body(op, STRICT) is own
        with reference():
            assert body(op, STRICT) is op


# ---- maps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), [*VARIANTS, ((4, 3), (1, 1), 1, 0)])
def test_conv2d(rng, size, kernel, stride, padding, layout):
    agree(lambda *a: ops.conv2d(*a, stride, padding), *draw(rng, size, kernel), layout=layout)


@pytest.mark.parametrize("needs", NEEDS)
def test_conv2d_where_some_gradients_are_not_asked_for_in_bands_of_rows_and_on_an_empty_batch(rng, monkeypatch, needs):
    for size, batch, stride in itertools.product([1 << 28, 4000, 1], [2, 0], [1, 2]):
        monkeypatch.setattr(conv2d, "BYTES", size)
        arrays = draw(rng, (6, 7), (3, 3), batch)
        agree(lambda *a: ops.conv2d(*a, stride, 1), *arrays, needs=needs)  # noqa: B023


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_batch_norm2d(rng, layout, training):
    x, gamma, beta = 3 + 2 * normal(rng, (5, 4, 3, 6)), normal(rng, 6), normal(rng, 6)

    def norm(x, gamma, beta):
        xp = x.backend.xp
        running = (xp.ones(6, x.dtype), 2 * xp.ones(6, x.dtype))
        y = ops.batch_norm2d(x, gamma, beta, running, training=training)
        return ops.relu(y) + float(STRICT.to_host(sum(running).sum()) if x.backend is STRICT else sum(running).sum())

    for needs in NEEDS:
        agree(norm, x, gamma, beta, layout=layout, needs=needs)


def test_batch_norm2d_of_many_rows_and_few_channels_and_the_other_way_round(rng):
    for shape in ((40, 30, 9, 2), (2, 1, 1, 300)):
        agree(ops.batch_norm2d, normal(rng, shape), normal(rng, shape[3]), normal(rng, shape[3]))


def test_batch_norm2d_of_a_constant_map_is_beta_exactly(rng):
    x = Tensor(on_strict(np.full((3, 4, 5, 2), 1 / 3, np.float32)))
    gamma, beta = (Tensor(on_strict(normal(rng, 2, np.float32))) for _ in range(2))
    y = ops.batch_norm2d(x, gamma, beta).numpy()
    np.testing.assert_array_equal(y, np.broadcast_to(beta.numpy(), y.shape))


def test_relu_after_batch_norm2d_keeps_the_map_before_it_and_no_other(rng):
    leaves = [Tensor(on_strict(normal(rng, shape)), requires_grad=True) for shape in ((6, 5, 2, 3), 3, 3, (4, 3, 3, 3))]
    x, gamma, beta, weight = leaves
    with Tape() as tape:
        y = ops.conv2d(ops.relu(ops.batch_norm2d(x * 1.0, gamma, beta)), weight)
    maps = [row for row in tape.ledger.rows if row.format == "dense" and len(row.shape) == 4]
    assert [(row.op, row.array) for row in maps] == [("batch_norm2d", "x")]
    tape.backward(y, y.data)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("size", "stride"), [(2, None), ((3, 2), (1, 2)), ((2, 3), (3, 1)), (1, 2), ((5, 4), 1), (17, 1)]
)
def test_max_pool2d(rng, size, stride, layout):
    shape = (18, 17, 1, 2) if size == 17 else (7, 6, 2, 3)
    agree(lambda x: ops.max_pool2d(x, size, stride), rng.permutation(np.prod(shape)).reshape(shape) / 7, layout=layout)


def test_max_pool2d_sees_the_first_of_equals_and_the_first_nan():
    x = np.array([[1.0, np.nan, 2, 2], [np.nan, 4, 2, 2]])[:, :, None, None]
    agree(ops.max_pool2d, x)


def test_softmax_cross_entropy(rng):
    labels = rng.integers(0, 7, 5)
    for x in (normal(rng, (5, 7)), 1000 * normal(rng, (5, 7))):
        agree(lambda x: ops.softmax_cross_entropy(x, x.backend.asarray(labels)), x)
    x = normal(rng, (5, 7))
    x[1, 2] = np.nan
    assert np.isnan(ops.softmax_cross_entropy(Tensor(on_strict(x)), STRICT.asarray(labels)).item())


# ---- spectra -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("norm", ["ortho", "backward"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("grid", GRIDS)
def test_rfft2_and_irfft2(rng, grid, norm, layout):
    size = ((grid[0] + 1) // 2, (grid[1] + 1) // 2)
    agree(lambda x: ops.rfft2(x, grid, norm), normal(rng, (*size, 2, 3)), layout=layout)
    agree(on_grid(ops.irfft2, grid, norm, size), normal(rng, half(grid, 2, 3), np.complex128), layout=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_spectral_act(rng, activation, layout):
    Y = normal(rng, half((4, 6), 2, 3), np.complex128)
    beta = clear_beta(Y, 1.0)
    agree(on_grid(lambda Y: ops.spectral_act(Y, beta, activation, 0.7), (4, 6)), Y, layout=layout)


def test_an_entry_equal_to_beta_is_dropped_and_a_nan_is_kept():
    Y = np.array([3 + 4j, 3 + 1e-14 + 4j, np.nan, 5e-324], np.complex128).reshape(1, 2, 2, 1)
    for dtype in (np.complex64, np.complex128):
        tensor = Tensor(on_strict(Y.astype(dtype)))
        tensor.spectrum = Spectrum((1, 2), (1, 2))
        kept = ops.spectral_act(tensor, 5.0).numpy().ravel() != 0
        assert kept.tolist() == [False, dtype == np.complex128, True, False]


@pytest.mark.parametrize("needs", NEEDS)
@pytest.mark.parametrize("norm", ["ortho", "backward"])
@pytest.mark.parametrize("grid", [(4, 6), (5, 7)])
def test_spectral_conv2d_and_spectral_conv_act(rng, grid, norm, needs):
    X, k, b = normal(rng, half(grid, 2, 3), np.complex128), normal(rng, (4, 3, 3, 3)), normal(rng, 4)
    for batch, layout in itertools.product((X, X[:, :, :0]), LAYOUTS):
        agree(on_grid(ops.spectral_conv2d, grid, norm), batch, k, b, needs=needs, layout=layout)
    tensor = Tensor(X)
    tensor.spectrum = Spectrum(grid, grid, norm)
    beta = clear_beta(ops.spectral_conv2d(tensor, Tensor(k), Tensor(b)).data, 2.0)
    act = on_grid(lambda *a: ops.spectral_conv_act(*a, beta=beta, scale=30.0), grid, norm)  # no bin is saturated
    for layout in LAYOUTS:
        agree(act, X, k, b, needs=needs, layout=layout)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("norm", ["ortho", "backward"])
@pytest.mark.parametrize("grid", [(4, 6), (5, 7), (1, 2), (6, 1)])
def test_spectral_batch_norm2d(rng, grid, norm, training):
    Y, gamma, beta = normal(rng, half(grid, 3, 4), np.complex128), normal(rng, 4), normal(rng, 4)
    Y[0, 0] += 5

    def call(Y, gamma, beta):
        xp, real = Y.backend.xp, gamma.dtype
        running = (xp.ones(4, real), 2 * xp.ones(4, real))
        Z = ops.spectral_batch_norm2d(Y, gamma, beta, running, training=training)
        return Z * float(Y.backend.to_host(sum(running).sum()))

    for needs, layout in zip(NEEDS, [*LAYOUTS, *LAYOUTS], strict=False):
        agree(on_grid(call, grid, norm), Y, gamma, beta, needs=needs, layout=layout)


# ---- nets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LeNet5", {}), ("SpecLeNet5", {}), ("VGG16", {"width": 1 / 16}), ("SpecVGG16", {"width": 1 / 16}),
        ("SpecDenseNet", {"width": 1 / 16}), ("SpecAlexNet", {"width": 1 / 16, "batch_norm": "spectral"}),
    ],
)  # fmt: skip
def test_nets_learn_the_same_from_two_steps(name, options):
    rng = np.random.default_rng(1)
    size, channels = (28, 1) if name.endswith("LeNet5") else (32, 3)
    images, labels = 1 + rng.standard_normal((size, size, 6, channels)), rng.integers(0, 10, 6)
    weights = []
    for device in ("cpu", STRICT):
        with reference():
            net = getattr(models, name)(**options, seed=1, dtype=np.float64)
        net.to(device)
        b = net.parameters()[0].backend
        weights.append(_two_steps(net, b.asarray(images), b.asarray(labels), plain=device == "cpu"))
    for parameter, plain in zip(weights[1], weights[0], strict=True):
        np.testing.assert_allclose(parameter, plain, rtol=0, atol=1e-9 * abs(plain).max())


def _two_steps(net, x, y, plain):
    from specframe.optim import SGD
    from specframe.training import train_step

    optimizer = SGD(net, lr=0.01, momentum=0.9, weight_decay=5e-4)
    for _ in range(2):
        if plain:
            with reference():
                train_step(net, optimizer, x, y)
        else:
            train_step(net, optimizer, x, y)
    return [parameter.numpy() for parameter in net.parameters()]
