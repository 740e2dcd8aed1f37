"""Optimisers, clipping and schedules give the numbers of PyTorch's."""

import numpy as np
import pytest

from specframe import optim
from specframe.layers import Parameter

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")

CASES = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    ("SGD", {"lr": 0.1, "momentum": 0.95, "weight_decay": 1e-3}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05, "nesterov": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "betas": (0.8, 0.99), "eps": 1e-6, "weight_decay": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.05, "alpha": 0.9, "eps": 1e-6, "weight_decay": 0.1, "momentum": 0.9}),
]
RTOL = {np.float64: 1e-12, np.complex128: 1e-12, np.float32: 2e-5, np.complex64: 2e-5}


def draw(rng, shape, dtype):
    values = rng.standard_normal(shape)
    return (values + 1j * rng.standard_normal(shape) if np.issubdtype(dtype, np.complexfloating) else values).astype(
        dtype
    )


def pairs(rng, dtype, shapes=((4, 3), (4,))):
    """The same parameters, ours and theirs."""
    start = [draw(rng, shape, dtype) for shape in shapes]
    return [Parameter(w.copy()) for w in start], [torch.nn.Parameter(torch.tensor(w)) for w in start]


def give_gradients(rng, ours, theirs):
    for p, q in zip(ours, theirs, strict=True):
        p.grad = draw(rng, p.shape, p.dtype.type)
        q.grad = torch.tensor(p.grad)


def assert_equal(ours, theirs, rtol):
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=rtol, atol=rtol)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=str)
@pytest.mark.parametrize("dtype", RTOL)
def test_thirty_steps_are_those_of_pytorch(rng, name, settings, dtype):
    ours, theirs = pairs(rng, dtype)
    optimizer, peer = getattr(optim, name)(ours, **settings), getattr(torch.optim, name)(theirs, **settings)
    for step in range(30):
        if step == 10:
            optimizer.lr = peer.param_groups[0]["lr"] = 0.02
        give_gradients(rng, ours, theirs)
        if step == 20:
            ours[1].grad = theirs[1].grad = None
        optimizer.step()
        peer.step()
        assert_equal(ours, theirs, RTOL[dtype])


def test_groups_are_those_of_pytorch(rng):
    ours, theirs = pairs(rng, np.float64, ((4, 3), (4,), (2,)))
    settings = {"lr": 0.01, "weight_decay": 0.1}

    def groups(parameters):
        return [
            {"params": parameters[:1], "lr": 0.1, "betas": (0.5, 0.9)},
            {"params": parameters[1:], "weight_decay": 0},
        ]

    optimizer, peer = optim.AdamW(groups(ours), **settings), torch.optim.AdamW(groups(theirs), **settings)
    for _ in range(30):
        give_gradients(rng, ours, theirs)
        optimizer.step()
        peer.step()
    assert_equal(ours, theirs, 1e-12)


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("max_norm", [0.5, 100.0])
def test_clipping_is_that_of_pytorch(rng, dtype, max_norm):
    ours, theirs = pairs(rng, dtype)
    give_gradients(rng, ours, theirs)
    norm = optim.clip_grad_norm(ours, max_norm)
    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs, max_norm).item(), rel=RTOL[dtype])
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.grad, q.grad.numpy(), rtol=RTOL[dtype])


SCHEDULES = [
    (lambda o: optim.StepLR(o, 7, 0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 7, 0.5)),
    (lambda o: optim.MultiStepLR(o, [3, 11, 12]), lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [3, 11, 12])),
    (lambda o: optim.CosineLR(o, 40), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 40)),
    (
        lambda o: optim.OneCycleLR(o, 40),
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, [0.4, 0.1], 40, cycle_momentum=False, div_factor=25, final_div_factor=1e4 / 25
        ),
    ),
    (
        lambda o: optim.LinearWarmup(o, 10),
        lambda o: torch.optim.lr_scheduler.LinearLR(o, start_factor=0.1, total_iters=9),
    ),
]


@pytest.mark.parametrize(("make", "peer"), SCHEDULES, ids=["step", "multistep", "cosine", "one cycle", "warm-up"])
def test_rates_of_two_groups_are_those_of_pytorch(make, peer):
    (p, q), theirs = pairs(np.random.default_rng(0), np.float64)
    optimizer = optim.SGD([{"params": [p]}, {"params": [q], "lr": 0.1}], lr=0.4)
    other = torch.optim.SGD([{"params": theirs[:1]}, {"params": theirs[1:], "lr": 0.1}], lr=0.4)
    schedule, other_schedule = make(optimizer), peer(other)
    for t in range(40):
        rates = [[group["lr"] for group in each.param_groups] for each in (optimizer, other)]
        np.testing.assert_allclose(rates[0], rates[1], rtol=1e-12, err_msg=f"step {t}")
        other.step()
        schedule.step()
        if t < 39:
            other_schedule.step()


def test_rates_on_a_plateau_are_those_of_pytorch(rng):
    (p, _), (q, _) = pairs(rng, np.float64)
    optimizer, other = optim.SGD([p], lr=0.4), torch.optim.SGD([q], lr=0.4)
    schedule = optim.ReduceOnPlateau(optimizer, factor=0.5, patience=2, threshold=0.05, min_lr=0.06)
    peer = torch.optim.lr_scheduler.ReduceLROnPlateau(other, factor=0.5, patience=2, threshold=0.05, min_lr=0.06)
    seen = []
    for loss in 1 / np.arange(1, 6) ** 0.5, np.full(14, 0.44), [0.3, 0.29, 0.28, np.nan, 0.279, 0.1], np.full(9, 0.2):
        for each in loss:
            schedule.step(each)
            peer.step(each)
            seen.append(optimizer.lr)
            assert optimizer.lr == pytest.approx(other.param_groups[0]["lr"], rel=1e-12)
    assert sorted(set(seen)) == [0.06, 0.1, 0.2, 0.4]
