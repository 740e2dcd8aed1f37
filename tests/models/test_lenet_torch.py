"""Both nets against PyTorch with the same weights: loss, logits and every gradient, to eight decimals."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")

from torch.nn import functional as F  # noqa: E402

from benchmarks import torch_nets  # noqa: E402 - imports torch
from specframe import Tape, Tensor, ops  # noqa: E402
from specframe.models import LeNet5, SpecLeNet5  # noqa: E402
from tests.ops.common import normal  # noqa: E402

FAST, SAME = ((32, 32), (18, 18)), ((30, 30), (16, 16))  # grids of 28 x 28 images and of the pooled maps


def assert_agree(one, other, name=""):
    """1e-8 relative to the largest entry."""
    np.testing.assert_allclose(one, other, rtol=0, atol=1e-8 * abs(other).max(), err_msg=name)


def compare(be, rng, model, net, **options):
    state = model.state_dict()
    for name in state:
        if name.endswith("bias"):
            state[name] = normal(rng, state[name].shape) / 10
    model.load_state_dict(state)
    model.to(be)
    torch_nets.from_numpy_state(net, state)
    x, labels = normal(rng, (28, 28, 4, 1)), np.array([3, 0, 9, 3])

    images = Tensor(be.asarray(x), requires_grad=True)
    with Tape(**options) as tape:
        logits = model(images)
        loss = ops.softmax_cross_entropy(logits, be.asarray(labels))
    tape.backward(loss)

    torch_images = torch.tensor(x.transpose(2, 3, 0, 1), requires_grad=True)
    torch_logits = net(torch_images)
    torch_loss = F.cross_entropy(torch_logits, torch.tensor(labels))
    torch_loss.backward()

    assert loss.item() == pytest.approx(torch_loss.item(), rel=1e-8)
    assert_agree(logits.numpy(), torch_logits.detach().numpy())
    assert_agree(be.to_host(images.grad), torch_images.grad.numpy().transpose(2, 3, 0, 1))
    gradients = {name: parameter.grad.numpy() for name, parameter in net.named_parameters()}
    for name, parameter in model.named_parameters():
        assert_agree(be.to_host(parameter.grad), gradients.pop(name), name)
    assert not gradients


@pytest.mark.parametrize("store", ["dense", "auto"])
def test_lenet5(be, rng, store):
    compare(be, rng, LeNet5(dtype=np.float64), torch_nets.TorchLeNet5(), store=store)


@pytest.mark.parametrize("options", [{"store": "dense"}, {"store": "auto"}, {"store": "csr", "recompute": "block"}])
@pytest.mark.parametrize(
    ("grid", "grids", "beta", "scale"),
    [("fast", FAST, 0.5, 1.0), ("same", SAME, 0.5, 1.0), ("fast", FAST, 1.5, 4.0), ("same", SAME, 0.0, 1.0)],
)
def test_speclenet5(be, rng, grid, grids, beta, scale, options):
    model = SpecLeNet5(beta=beta, scale=scale, grid=grid, dtype=np.float64)
    compare(be, rng, model, torch_nets.TorchSpecLeNet5(beta, scale, grids), **options)
