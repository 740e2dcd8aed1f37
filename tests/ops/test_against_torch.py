"""The ops that PyTorch has too: values, gradients and running statistics agree with its own, to eight decimals."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")

from torch.nn import functional as F  # noqa: E402

from specframe import Tensor, ops  # noqa: E402
from specframe.grids import choose_grid  # noqa: E402
from specframe.memory import batch_norm_act2d  # noqa: E402
from tests.ops.common import normal, run  # noqa: E402


def assert_agree(one, other):
    np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8 * max(1e-3, abs(other).max()))


def maps_first(array):
    """(rows, cols, batch, channels) -> (batch, channels, rows, cols)."""
    return array.transpose(2, 3, 0, 1)


def maps_last(array):
    return array.transpose(2, 3, 0, 1)  # the permutation is its own inverse


def compare(be, rng, fn, torch_fn, x, *parameters):
    """fn(x, *parameters) on maps, with the gradients of all."""
    leaves = [torch.tensor(array, requires_grad=True) for array in (maps_first(x), *parameters)]
    expected = torch_fn(*leaves)
    gy = normal(rng, maps_last(expected.detach().numpy()).shape)
    expected.backward(torch.tensor(maps_first(gy)))
    y, (gx, *gradients) = run(be, fn, x, *parameters, gy=gy)
    assert_agree(y, maps_last(expected.detach().numpy()))
    assert_agree(gx, maps_last(leaves[0].grad.numpy()))
    for gradient, leaf in zip(gradients, leaves[1:], strict=True):
        assert_agree(gradient, leaf.grad.numpy())


VARIANTS = [((3, 3), 1, 1), ((5, 5), 2, 2), ((2, 4), 1, 0), ((3, 1), 3, 1)]


@pytest.mark.parametrize(("kernel", "stride", "padding"), VARIANTS)
def test_conv2d(be, rng, kernel, stride, padding):
    compare(
        be, rng, lambda *a: ops.conv2d(*a, stride, padding), lambda *a: F.conv2d(*a, stride, padding),
        normal(rng, (8, 9, 2, 3)), normal(rng, (4, 3, *kernel)), normal(rng, 4),
    )  # fmt: skip


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 1), (2, 3)])
def test_pooling(be, rng, size, stride):
    x = normal(rng, (8, 9, 2, 3))
    compare(be, rng, lambda x: ops.max_pool2d(x, size, stride), lambda x: F.max_pool2d(x, size, stride), x)
    compare(be, rng, lambda x: ops.avg_pool2d(x, size, stride), lambda x: F.avg_pool2d(x, size, stride), x)


@pytest.mark.parametrize("gamma", [[0.5, -1.5, 2.0], [0.5, 1e-3, 2.0]])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm2d_and_its_running_statistics(be, rng, training, gamma):
    x, beta = normal(rng, (4, 5, 2, 3)) * 2 + 1, normal(rng, 3)
    statistics = [np.array([0.1, 0.5, -1.0]), np.array([1.0, 4.0, 0.3])]
    running = [be.asarray(array.copy()) for array in statistics]
    torch_running = [torch.tensor(array.copy()) for array in statistics]
    compare(
        be, rng,
        lambda *a: ops.batch_norm2d(*a, running, training, 0.1, 1e-5),
        lambda x, gamma, beta: F.batch_norm(x, *torch_running, gamma, beta, training, 0.1, 1e-5),
        x, np.array(gamma), beta,
    )  # fmt: skip
    for own, other in zip(running, torch_running, strict=True):
        assert_agree(be.to_host(own), other.numpy())


@pytest.mark.parametrize("gamma", [[0.5, -1.5, 2.0], [0.5, 1e-3, 2.0]])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_act2d_and_its_running_statistics(be, rng, training, gamma):
    x, beta = normal(rng, (4, 5, 2, 3)) * 2 + 1, normal(rng, 3)
    statistics = [np.array([0.1, 0.5, -1.0]), np.array([1.0, 4.0, 0.3])]
    running = [be.asarray(array.copy()) for array in statistics]
    torch_running = [torch.tensor(array.copy()) for array in statistics]
    compare(
        be, rng,
        lambda *a: batch_norm_act2d(*a, 0.1, running, training),
        lambda x, gamma, beta: F.leaky_relu(F.batch_norm(x, *torch_running, gamma, beta, training, 0.1, 1e-5), 0.1),
        x, np.array(gamma), beta,
    )  # fmt: skip
    for own, other in zip(running, torch_running, strict=True):
        assert_agree(be.to_host(own), other.numpy())


@pytest.mark.parametrize("norm", ["ortho", "backward"])
@pytest.mark.parametrize("grid", [(6, 8), (5, 7), (4, 5)])
@pytest.mark.parametrize("training", [True, False])
def test_spectral_batch_norm2d_is_torch_s_batch_norm_of_the_padded_map(be, rng, training, grid, norm):
    x, gamma, beta = normal(rng, (4, 5, 2, 3)) * 2 + 1, np.array([0.5, -1.5, 2.0]), normal(rng, 3)
    statistics = [np.array([0.1, 0.5, -1.0]), np.array([1.0, 4.0, 0.3])]
    running = [be.asarray(array.copy()) for array in statistics]
    torch_running = [torch.tensor(array.copy()) for array in statistics]
    padding = (0, grid[1] - 5, 0, grid[0] - 4)

    def through_the_spectrum(x, gamma, beta):
        Y = ops.rfft2(x, grid, norm)
        return ops.irfft2(ops.spectral_batch_norm2d(Y, gamma, beta, running, training, 0.1, 1e-5), size=grid)

    compare(
        be, rng, through_the_spectrum,
        lambda x, gamma, beta: F.batch_norm(F.pad(x, padding), *torch_running, gamma, beta, training, 0.1, 1e-5),
        x, gamma, beta,
    )  # fmt: skip
    for own, other in zip(running, torch_running, strict=True):
        assert_agree(be.to_host(own), other.numpy())


@pytest.mark.parametrize(("k", "stride"), [(3, 2), (5, 2), (3, 3), (1, 2)])
def test_decimate_after_a_spectral_convolution_is_torch_s_strided_convolution(be, rng, k, stride):
    def strided(x, weight, bias):
        grid = choose_grid((8, 9), k, stride=stride)
        return ops.irfft2(ops.decimate(ops.spectral_conv2d(ops.rfft2(x, grid), weight, bias), stride))

    compare(
        be, rng, strided, lambda *a: F.conv2d(*a, stride, (k - 1) // 2),
        normal(rng, (8, 9, 2, 3)), normal(rng, (4, 3, k, k)), normal(rng, 4),
    )  # fmt: skip


def test_softmax_cross_entropy(be, rng):
    x, labels = normal(rng, (5, 7)) * 3, rng.integers(0, 7, 5)
    y, (gx,) = run(be, lambda x: ops.softmax_cross_entropy(x, be.asarray(labels)), x)
    leaf = torch.tensor(x, requires_grad=True)
    expected = F.cross_entropy(leaf, torch.tensor(labels))
    expected.backward()
    assert_agree(y, expected.detach().numpy())
    assert_agree(gx, leaf.grad.numpy())


@pytest.mark.parametrize("grid", [(8, 9), (9, 8), (8, 8), (7, 9)])
@pytest.mark.parametrize("norm", ["ortho", "backward"])
def test_rfft2_and_irfft2_keep_torch_s_convention_for_complex_gradients(be, rng, grid, norm):
    x, Z = normal(rng, (6, 7, 2, 1)), normal(rng, (grid[0], grid[1] // 2 + 1, 2, 1), np.complex128)
    X, (gx,) = run(be, lambda x: ops.rfft2(x, grid, norm), x, gy=Z)
    leaf = torch.tensor(x, requires_grad=True)
    expected = torch.fft.rfft2(leaf, s=grid, dim=(0, 1), norm=norm)
    expected.backward(torch.tensor(Z))
    assert_agree(X, expected.detach().numpy())
    assert_agree(gx, leaf.grad.numpy())

    gy = normal(rng, (6, 7, 2, 1))
    y, (gZ,) = run(be, lambda Z: ops.irfft2(Z, grid, (6, 7), norm), Z, gy=gy)
    leaf = torch.tensor(Z, requires_grad=True)
    expected = torch.fft.irfft2(leaf, s=grid, dim=(0, 1), norm=norm)[:6, :7]
    expected.backward(torch.tensor(gy))
    assert_agree(y, expected.detach().numpy())
    assert_agree(gZ, leaf.grad.numpy())


def test_split_tanh_and_products_keep_torch_s_convention_too(be, rng):
    Y, a, gZ = (normal(rng, (3, 4), np.complex128) for _ in range(3))
    Z, (gY, ga) = run(be, lambda Y, a: ops.split_tanh(Y * a, 2.0), Y, a, gy=gZ)
    leaf, factor = torch.tensor(Y, requires_grad=True), torch.tensor(a, requires_grad=True)
    product = leaf * factor
    expected = torch.complex(2 * torch.tanh(product.real / 2), 2 * torch.tanh(product.imag / 2))
    expected.backward(torch.tensor(gZ))
    assert_agree(Z, expected.detach().numpy())
    assert_agree(gY, leaf.grad.numpy())
    assert_agree(ga, factor.grad.numpy())


def test_a_real_tensor_in_complex_arithmetic_gets_torch_s_real_gradient(be, rng):
    r, c, gy = normal(rng, (3, 4)), normal(rng, (3, 4), np.complex128), normal(rng, (3, 4), np.complex128)
    constant = Tensor(be.asarray(c))
    _, (gr,) = run(be, lambda r: r * constant, r, gy=gy)
    leaf = torch.tensor(r, requires_grad=True)
    (leaf * torch.tensor(c)).backward(torch.tensor(gy))
    assert_agree(gr, leaf.grad.numpy())
