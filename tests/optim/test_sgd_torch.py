"""SGD takes the steps of torch.optim.SGD."""

import numpy as np
import pytest

from specframe.layers import Parameter
from specframe.optim import SGD

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"momentum": 0.9},
        {"weight_decay": 0.05},
        {"momentum": 0.95, "weight_decay": 1e-3},
        {"momentum": 0.9, "nesterov": True},
        {"momentum": 0.9, "weight_decay": 0.05, "nesterov": True},
    ],
    ids=str,
)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_steps_are_those_of_pytorch(rng, settings, dtype, rtol):
    start = [rng.standard_normal(shape).astype(dtype) for shape in ((4, 3), (4,))]
    ours = [Parameter(w.copy()) for w in start]
    theirs = [torch.nn.Parameter(torch.tensor(w)) for w in start]
    optimizers = SGD(ours, lr=0.1, **settings), torch.optim.SGD(theirs, lr=0.1, **settings)
    for step in range(6):
        if step == 3:
            optimizers[0].lr = optimizers[1].param_groups[0]["lr"] = 0.02
        for p, q in zip(ours, theirs, strict=True):
            p.grad = rng.standard_normal(p.shape).astype(dtype)
            q.grad = torch.tensor(p.grad)
        for optimizer in optimizers:
            optimizer.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=rtol, atol=rtol)
