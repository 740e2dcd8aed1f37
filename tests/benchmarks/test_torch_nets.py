"""The PyTorch nets compute what they claim to: they are an oracle, so PyTorch's own conv2d checks them."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")

from torch.nn import functional as F  # noqa: E402

from benchmarks import torch_nets  # noqa: E402 - imports torch

GRIDS = ((32, 32), (18, 18))


@pytest.mark.parametrize("grid", [(13, 13), (14, 14), (13, 16), (15, 12)])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5, 6])
def test_spectral_convolution_equals_conv2d_with_same_padding(kernel, grid):
    rows, columns = grid[0] - kernel + 1, grid[1] - kernel + 1
    x, bias = torch.randn(2, 3, rows, columns).double(), torch.randn(4).double()
    weight = torch.randn(4, 3, kernel, kernel).double()
    Y = torch_nets.spectral_conv2d(torch.fft.rfft2(x, s=grid, norm="ortho"), weight, bias, grid)
    y = torch.fft.irfft2(Y, s=grid, norm="ortho")[..., :rows, :columns]
    before = (kernel - 1) // 2
    expected = F.conv2d(F.pad(x, (before, kernel - 1 - before) * 2), weight, bias)
    torch.testing.assert_close(y, expected, atol=1e-12, rtol=0)
    if kernel % 2:  # PyTorch warns that padding="same" copies for even kernels
        torch.testing.assert_close(y, F.conv2d(x, weight, bias, padding="same"), atol=1e-12, rtol=0)


def test_without_threshold_and_saturation_the_spectral_net_is_a_linear_spatial_net():
    net = torch_nets.TorchSpecLeNet5(beta=0.0, scale=1e6, grid=GRIDS).double()
    x = torch.randn(2, 1, 28, 28).double()
    h = F.max_pool2d(net.conv2(F.max_pool2d(net.conv1(x), 2)), 2).flatten(1)
    expected = net.fc3(torch.tanh(net.fc2(torch.tanh(net.fc1(h)))))
    torch.testing.assert_close(net(x), expected, atol=1e-8, rtol=0)


def test_threshold_drops_an_entry_equal_to_beta_and_its_gradient():
    Y = torch.tensor([3 + 4j, 3 + 4.1j], dtype=torch.complex128, requires_grad=True)
    kept = torch_nets.threshold(Y, 5.0)
    kept.abs().sum().backward()
    assert kept[0] == 0 and kept[1] == Y[1] and Y.grad[0] == 0 and Y.grad[1] != 0


def test_split_tanh_squashes_the_parts():
    z = torch_nets.split_tanh(torch.tensor([1 - 2j], dtype=torch.complex128), scale=4.0)
    assert z.item() == pytest.approx(4 * np.tanh(0.25) - 4j * np.tanh(0.5))


def test_settings_that_no_state_holds_are_never_guessed():
    with pytest.raises(TypeError, match="'scale' and 'grid'"):
        torch_nets.TorchSpecLeNet5(beta=0.5)


@pytest.mark.parametrize(
    "build", [torch_nets.TorchLeNet5, lambda: torch_nets.TorchSpecLeNet5(beta=0.5, scale=1.0, grid=GRIDS)]
)
def test_state_from_numpy_fills_every_parameter(build, rng):
    state = {name: rng.standard_normal(p.shape) for name, p in build().named_parameters()}
    assert sorted(state) == sorted(f"{layer}.{part}" for layer in ("conv1", "conv2", "fc1", "fc2", "fc3")
                                   for part in ("weight", "bias"))  # fmt: skip
    net = torch_nets.from_numpy_state(build(), state)
    for name, parameter in net.named_parameters():
        np.testing.assert_array_equal(parameter.detach().numpy(), state[name])
    with pytest.raises(RuntimeError, match=r"fc3\.bias"):
        torch_nets.from_numpy_state(build(), {name: x for name, x in state.items() if name != "fc3.bias"})


def testsaved_bytes_counts_each_storage_once_and_nothing_that_lives_anyway():
    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = torch.nn.Linear(6, 5)

        def forward(self, x):
            h = torch.tanh(self.fc(x.reshape(2, 6)))  # saves views of x and the weight, and h
            return h * h[:, :]  # saves h again, twice

    images, labels = torch.randn(2, 1, 2, 3), torch.tensor([0, 3])
    # h and the logarithms of cross_entropy (2 x 5 floats each), and its total weight (one float)
    assert torch_nets.saved_bytes(Net(), images, labels) == 2 * (2 * 5 * 4) + 4


def testsaved_bytes_of_lenet5_are_its_activations_and_the_pooling_indices():
    images, labels = torch.randn(8, 1, 28, 28), torch.zeros(8, dtype=torch.int64)
    floats = 6 * 784 + 6 * 196 + 16 * 196 + 784 + 120 + 84 + 10  # tanh, pool, tanh, pool = flatten, tanh, tanh, logits
    indices = 6 * 196 + 784  # int64, one for each pooled value
    assert torch_nets.saved_bytes(torch_nets.TorchLeNet5(), images, labels) == 8 * (4 * floats + 8 * indices) + 4
