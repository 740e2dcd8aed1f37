"""Schedules: the rate of step t is a formula of t alone."""

import math
from itertools import pairwise

import numpy as np
import pytest

from specframe.layers import Parameter
from specframe.optim import (
    SGD,
    ConstantLR,
    CosineLR,
    LinearWarmup,
    MultiStepLR,
    OneCycleLR,
    ReduceOnPlateau,
    Schedule,
    StepLR,
)


def sgd(lr=0.1):
    return SGD([Parameter(np.ones(1))], lr=lr)


def rates(make, steps, lr=0.1):
    """The optimiser's rate for each of the steps, as a training loop would meet it."""
    optimizer = sgd(lr)
    schedule, seen = make(optimizer), []
    for _ in range(steps):
        seen.append(optimizer.lr)
        schedule.step()
    return seen


SCHEDULES = [
    ("constant", lambda optimizer: ConstantLR(optimizer)),
    ("step", lambda optimizer: StepLR(optimizer, 3)),
    ("cosine", lambda optimizer: CosineLR(optimizer, 20, warmup=4, final=1e-3)),
    ("one cycle", lambda optimizer: OneCycleLR(optimizer, 20)),
    ("multistep", lambda optimizer: MultiStepLR(optimizer, [3, 8])),
    ("warm-up", lambda optimizer: LinearWarmup(optimizer, 5)),
    ("plateau", lambda optimizer: ReduceOnPlateau(optimizer)),
]
every_schedule = pytest.mark.parametrize("make", [make for _, make in SCHEDULES], ids=[name for name, _ in SCHEDULES])


# ---- the formulas ----------------------------------------------------------------------------------------------


def test_constant_keeps_the_optimisers_own_rate():
    assert rates(ConstantLR, 5) == [0.1] * 5


def test_step_halves_the_rate_every_so_many_steps():
    assert rates(lambda o: StepLR(o, 2), 6, lr=0.8) == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    assert rates(lambda o: StepLR(o, 1, gamma=0.1), 3, lr=1.0) == pytest.approx([1.0, 0.1, 0.01])


def test_the_papers_rate_is_halved_every_50_epochs():
    batches = 8  # an epoch
    seen = rates(lambda o: StepLR(o, 50 * batches), 150 * batches, lr=0.1)
    assert seen[0] == seen[50 * batches - 1] == 0.1
    assert seen[50 * batches] == seen[100 * batches - 1] == 0.05
    assert seen[100 * batches] == seen[150 * batches - 1] == 0.025


def test_cosine_falls_from_the_base_rate_to_the_final_one():
    seen = rates(lambda o: CosineLR(o, 10, final=0.02), 15)
    assert seen[0] == pytest.approx(0.1) and seen[5] == pytest.approx(0.06)
    assert seen[10:] == pytest.approx([0.02] * 5)  # and stays there
    assert all(b < a for a, b in pairwise(seen[:11]))
    assert seen[3] == pytest.approx(0.02 + 0.08 * (1 + math.cos(0.3 * math.pi)) / 2)


def test_cosine_warms_up_linearly():
    seen = rates(lambda o: CosineLR(o, 12, warmup=4), 13)
    assert seen[:5] == pytest.approx([0.025, 0.05, 0.075, 0.1, 0.1])
    assert all(b < a for a, b in pairwise(seen[4:]))
    assert seen[12] == pytest.approx(0.0, abs=1e-15)


def test_multistep_multiplies_at_each_milestone():
    assert rates(lambda o: MultiStepLR(o, [4, 2], gamma=0.5), 6, lr=0.8) == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]


def test_one_cycle_rises_to_the_base_rate_and_falls_to_almost_nothing():
    seen = rates(lambda o: OneCycleLR(o, 100, rise=0.3, start=25.0, end=1e4), 110)
    assert seen[0] == pytest.approx(0.1 / 25)
    assert seen[29] == pytest.approx(0.1) == max(seen)
    assert seen[99:] == pytest.approx([0.1 / 1e4] * 11)
    assert all(b > a for a, b in pairwise(seen[:30]))
    assert all(b < a for a, b in pairwise(seen[29:100]))
    assert seen[64] == pytest.approx((0.1 + 1e-5) / 2)


@pytest.mark.parametrize("total", [1, 2, 3, 20, 1000])
@pytest.mark.parametrize("rise", [0.01, 0.3, 0.99])
def test_the_last_step_of_one_cycle_has_the_rate_of_its_end(total, rise):
    assert rates(lambda o: OneCycleLR(o, total, rise), total)[-1] == pytest.approx(0.1 / 1e4, rel=1e-12)


# ---- what all of them promise ----------------------------------------------------------------------------------


@every_schedule
def test_the_rate_is_set_when_the_schedule_is_made_and_after_each_step(make):
    optimizer = sgd()
    schedule = make(optimizer)
    for t in range(25):
        assert schedule.t == t and optimizer.lr == schedule.lr_at(t)
        schedule.step()


@every_schedule
def test_rates_are_positive_while_steps_are_left_and_never_above_the_base(make):
    seen = rates(make, 20)
    assert all(0 < rate <= 0.1 * (1 + 1e-12) for rate in seen)


@every_schedule
def test_a_resumed_schedule_continues_exactly(make):
    expected = rates(make, 20)
    first = sgd()
    schedule = make(first)
    for _ in range(7):
        schedule.step()
    optimizer_state, state = first.state_dict(), schedule.state_dict()
    assert state["t"] == 7
    resumed = sgd(lr=0.05)  # made with another rate: the state's counts
    again = make(resumed)
    again.load_state_dict(state)
    resumed.load_state_dict(optimizer_state)
    seen = []
    for _ in range(13):
        seen.append(resumed.lr)
        again.step()
    assert seen == expected[7:]


@every_schedule
def test_the_rate_of_a_single_precision_parameter_does_not_widen_it(be, make):
    p = Parameter(be.asarray(np.ones(3, np.float32)))
    optimizer = SGD([p], lr=0.1, momentum=0.9)
    schedule = make(optimizer)
    for _ in range(3):
        p.grad = be.asarray(np.ones(3, np.float32))
        optimizer.step()
        schedule.step()
    assert p.dtype == np.float32 and type(optimizer.lr) is float


@every_schedule
def test_each_group_has_the_rates_of_its_own_base(make):
    groups = [{"params": Parameter(np.ones(1)), "lr": lr} for lr in (0.1, 0.02)]
    schedule, alone = make(SGD(groups, lr=1.0)), make(sgd(0.02))
    assert schedule.base_lrs == [0.1, 0.02]
    for _ in range(25):
        first, second = (group["lr"] for group in schedule.optimizer.param_groups)
        assert (first, second) == (schedule.lr_at(schedule.t), alone.optimizer.lr)
        schedule.step()
        alone.step()


def test_a_schedule_tells_how_many_steps_it_is_made_for():
    totals = {name: make(sgd()).total for name, make in SCHEDULES}
    assert {name for name, total in totals.items() if total is None} == {
        "constant", "step", "multistep", "warm-up", "plateau",
    }  # fmt: skip
    assert totals["cosine"] == totals["one cycle"] == 20


def test_a_state_of_another_total_is_refused():
    schedule = OneCycleLR(sgd(), 40)
    sentence = (
        r"^OneCycleLR: the state is that of 20 steps, this schedule was made for 40 steps; only a schedule without a"
        r" fixed total \(ConstantLR, StepLR, \.\.\.\) can go on for longer$"
    )
    with pytest.raises(ValueError, match=sentence):
        schedule.load_state_dict(OneCycleLR(sgd(), 20).state_dict())
    with pytest.raises(ValueError, match=r"^StepLR: the state is that of 20 steps, .* made for any number of steps;"):
        StepLR(sgd(), 5).load_state_dict(OneCycleLR(sgd(), 20).state_dict())
    assert schedule.t == 0


@pytest.mark.parametrize("wrong", [{"t": -1}, {"t": 1.5}, {"base_lrs": [0.1, 0.1]}], ids=str)
def test_a_state_that_does_not_fit_is_refused(wrong):
    schedule = ConstantLR(sgd())
    with pytest.raises(ValueError, match=r"^ConstantLR: expected t and the rates of 1 groups, got "):
        schedule.load_state_dict(schedule.state_dict() | wrong)


def test_a_schedule_of_ones_own_is_one_formula():
    class Inverse(Schedule):
        def rate(self, base, t):
            return base / (1 + t)

    assert rates(Inverse, 3, lr=0.6) == pytest.approx([0.6, 0.3, 0.2])
    with pytest.raises(NotImplementedError, match=r"^Schedule does not define rate$"):
        Schedule(sgd())


# ---- settings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda o: StepLR(o, 0), "StepLR: step_size must be 1 or more, got 0"),
        (lambda o: MultiStepLR(o, [3, 0]), "MultiStepLR: each milestone must be 1 or more, got 0"),
        (lambda o: CosineLR(o, 0), "CosineLR: total must be 1 or more, got 0"),
        (lambda o: CosineLR(o, 10, warmup=-1), "CosineLR: warmup must be 0 or more, got -1"),
        (lambda o: CosineLR(o, 10, warmup=10), r"CosineLR: warmup \(10\) must be shorter than total \(10\)"),
        (lambda o: OneCycleLR(o, 0), "OneCycleLR: total must be 1 or more, got 0"),
        (lambda o: OneCycleLR(o, 10, rise=0.0), "OneCycleLR: rise must lie between 0 and 1, got 0.0"),
        (lambda o: OneCycleLR(o, 10, rise=1.0), "OneCycleLR: rise must lie between 0 and 1, got 1.0"),
    ],
)
def test_a_setting_out_of_range_is_refused_and_the_rate_stays(make, message):
    optimizer = sgd()
    with pytest.raises(ValueError, match=f"^{message}$"):
        make(optimizer)
    assert optimizer.lr == 0.1
