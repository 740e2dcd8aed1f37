"""The references themselves agree with NumPy's FFT and with PyTorch."""

import numpy as np
import pytest

from tests.kit.oracles import avg_pool_loops, conv2d_loops, dft2, idft2, max_pool_loops

GRIDS = [(1, 1), (1, 2), (2, 1), (3, 4), (4, 5), (5, 7), (6, 6)]


@pytest.fixture(scope="session")
def torch():
    return pytest.importorskip("torch", reason="PyTorch, the second opinion on the loops, is not installed")


def nchw(torch, x):
    return torch.from_numpy(np.ascontiguousarray(x.transpose(2, 3, 0, 1)))


def framework(y):
    return y.numpy().transpose(2, 3, 0, 1)


@pytest.mark.parametrize("norm", ["ortho", "backward", "forward"])
@pytest.mark.parametrize("grid", GRIDS)
def test_dft2_equals_numpy(rng, grid, norm):
    x = rng.standard_normal((*grid, 2, 3))
    np.testing.assert_allclose(dft2(x, grid, norm), np.fft.rfft2(x, axes=(0, 1), norm=norm), atol=1e-12)


def test_dft2_pads_with_zeros(rng):
    x = rng.standard_normal((3, 4, 1, 2))
    np.testing.assert_allclose(dft2(x, (5, 6)), np.fft.rfft2(x, s=(5, 6), axes=(0, 1), norm="ortho"), atol=1e-12)


@pytest.mark.parametrize("norm", ["ortho", "backward", "forward"])
@pytest.mark.parametrize("grid", GRIDS)
def test_idft2_equals_numpy_for_edge_columns_that_are_not_hermitian(rng, grid, norm):
    shape = (grid[0], grid[1] // 2 + 1, 2, 3)
    Z = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    np.testing.assert_allclose(idft2(Z, grid, norm), np.fft.irfft2(Z, s=grid, axes=(0, 1), norm=norm), atol=1e-12)


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(1, 1, 0), (3, 1, 1), (2, 1, "same"), (3, 1, "same"), (4, 1, "same"), (3, 2, 2)]
)
def test_conv2d_equals_torch(torch, rng, kernel, stride, padding):
    x, b = rng.standard_normal((7, 6, 2, 3)), rng.standard_normal(4)
    w = rng.standard_normal((4, 3, kernel, kernel))
    before, after = ((kernel - 1) // 2, kernel // 2) if padding == "same" else (padding, padding)
    padded = torch.nn.functional.pad(nchw(torch, x), (before, after, before, after))
    y = torch.nn.functional.conv2d(padded, torch.from_numpy(w), torch.from_numpy(b), stride)
    np.testing.assert_allclose(conv2d_loops(x, w, b, stride, padding), framework(y), atol=1e-12)


def test_conv2d_pads_each_side_by_its_own_number(torch, rng):
    x, w = rng.standard_normal((5, 4, 2, 3)), rng.standard_normal((2, 3, 3, 3))
    padded = torch.nn.functional.pad(nchw(torch, x), (3, 0, 1, 2))
    y = torch.nn.functional.conv2d(padded, torch.from_numpy(w))
    np.testing.assert_allclose(conv2d_loops(x, w, padding=((1, 2), (3, 0))), framework(y), atol=1e-12)


@pytest.mark.parametrize(("size", "stride"), [(2, None), (3, 2), (2, 1)])
def test_pooling_equals_torch(torch, rng, size, stride):
    x = rng.standard_normal((7, 6, 2, 3))
    values, _ = max_pool_loops(x, size, stride)
    np.testing.assert_array_equal(values, framework(torch.nn.functional.max_pool2d(nchw(torch, x), size, stride)))
    means = framework(torch.nn.functional.avg_pool2d(nchw(torch, x), size, stride))
    np.testing.assert_allclose(avg_pool_loops(x, size, stride), means, atol=1e-12)


def test_the_first_of_equals_wins_the_pooling():
    x = np.array([[0.0, 5.0], [5.0, 5.0]]).reshape(2, 2, 1, 1)
    values, places = max_pool_loops(x)
    assert values.item() == 5.0 and places.item() == 1
