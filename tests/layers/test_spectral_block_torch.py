"""The spectral block against a second implementation: torch.fft and torch's autograd, to eight decimals."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")

from benchmarks import torch_nets  # noqa: E402 - imports torch
from specframe import ops  # noqa: E402
from specframe.grids import choose_grid  # noqa: E402
from tests.ops.common import normal, run  # noqa: E402


def to_torch(array):
    """(rows, cols, batch, channels) -> a leaf (batch, channels, rows, cols); other shapes as they are."""
    array = array.transpose(2, 3, 0, 1) if array.ndim == 4 else array
    return torch.tensor(array, requires_grad=True)


def from_torch(tensor):
    return tensor.detach().numpy().transpose(2, 3, 0, 1)


def assert_agree(one, other):
    """1e-8 relative to the largest entry."""
    np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8 * abs(other).max())


@pytest.mark.parametrize("recompute", [None, "block"])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize(
    ("size", "batch", "c_in", "c_out", "k", "grid", "beta", "scale"),
    [
        ((8, 9), 2, 2, 3, 3, "fast", 0.5, 1.0),
        ((7, 7), 1, 1, 2, 5, "same", 1.0, 4.0),
        ((6, 8), 3, 3, 1, 4, "linear", 0.0, 1.0),
        ((6, 5), 2, 1, 1, 3, "circular", 1.5, 8.0),
        ((4, 4), 1, 2, 2, 11, "fast", 0.7, 1.0),
    ],
)
def test_forward_and_every_gradient(be, rng, size, batch, c_in, c_out, k, grid, beta, scale, with_bias, recompute):
    x, bias, grid = normal(rng, (*size, batch, c_in)), normal(rng, c_out) / 5, choose_grid(size, k, grid)
    weight, gy = normal(rng, (c_out, c_in, k, k)) / k, normal(rng, (*size, batch, c_out))
    arrays = [x, weight, bias][: 2 + with_bias]

    def block(x, *weights):
        return ops.irfft2(ops.spectral_conv_act(ops.rfft2(x, grid), *weights, beta=beta, scale=scale))

    y, (gx, gw, *gb) = run(be, block, *arrays, gy=gy, recompute=recompute)

    leaf, w = to_torch(x), torch.tensor(weight, requires_grad=True)
    b = torch.tensor(bias, requires_grad=True) if with_bias else None
    expected = torch_nets.spectral_block(leaf, w, b, grid, beta, scale)
    expected.backward(to_torch(gy).detach())
    assert_agree(y, from_torch(expected))
    assert_agree(gx, from_torch(leaf.grad))
    assert_agree(gw, w.grad.numpy())
    if with_bias:
        assert_agree(gb[0], b.grad.numpy())
