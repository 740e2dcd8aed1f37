"""Linear warm-up, alone and in front of another schedule."""

import numpy as np
import pytest

from specframe.layers import Parameter
from specframe.optim import SGD, CosineLR, LinearWarmup, OneCycleLR, ReduceOnPlateau, StepLR


def sgd(*rates):
    return SGD([{"params": Parameter(np.ones(1)), "lr": rate} for rate in rates], lr=1.0)


def rates(schedule, steps):
    seen = []
    for _ in range(steps):
        seen.append([group["lr"] for group in schedule.optimizer.param_groups])
        schedule.step()
    return seen


def test_the_rate_rises_to_the_base_rate_and_stays():
    schedule = LinearWarmup(sgd(0.8, 0.4), 4)
    assert rates(schedule, 6) == [[0.2, 0.1], [0.4, 0.2], pytest.approx([0.6, 0.3]), [0.8, 0.4], [0.8, 0.4], [0.8, 0.4]]
    assert schedule.total is None


@pytest.mark.parametrize("make", [lambda o: CosineLR(o, 5), lambda o: OneCycleLR(o, 5), lambda o: StepLR(o, 2)])
def test_another_schedule_begins_where_the_warm_up_ends(make):
    alone, optimizer = make(sgd(0.8, 0.4)), sgd(0.8, 0.4)
    schedule = LinearWarmup(optimizer, 3, then=make(optimizer))
    seen = rates(schedule, 8)
    assert seen[2] == [0.8, 0.4] and seen[3:] == rates(alone, 5)
    assert schedule.total == (None if alone.total is None else 8)


def test_a_plateau_counts_from_the_end_of_the_warm_up_and_resumes():
    def make():
        optimizer = sgd(1.0)
        return LinearWarmup(optimizer, 2, then=ReduceOnPlateau(optimizer, factor=0.5, patience=0))

    schedule = make()
    schedule.measured(1.0)  # rates are still rising: nobody waits for a better loss
    for _ in range(2):
        schedule.step()
    schedule.measured(2.0)
    assert schedule.optimizer.lr == 1.0
    schedule.measured(2.0)
    assert schedule.optimizer.lr == 0.5
    again = make()
    again.load_state_dict(schedule.state_dict())
    assert again.optimizer.lr == 0.5
    again.measured(2.0)
    assert again.optimizer.lr == 0.25


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"^LinearWarmup: steps must be 1 or more, got 0$"):
        LinearWarmup(sgd(1.0), 0)
    with pytest.raises(ValueError, match=r"^LinearWarmup: `then` was made for another optimiser$"):
        LinearWarmup(sgd(1.0), 1, then=StepLR(sgd(1.0), 1))
    optimizer = sgd(1.0)
    with pytest.raises(ValueError, match=r"^LinearWarmup: the state is one with another schedule behind the warm-up$"):
        LinearWarmup(sgd(1.0), 1).load_state_dict(LinearWarmup(optimizer, 1, then=StepLR(optimizer, 1)).state_dict())
