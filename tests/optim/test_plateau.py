"""ReduceOnPlateau: the rate falls when the loss stands still."""

import math

import numpy as np
import pytest

from specframe.layers import Parameter
from specframe.optim import SGD, ReduceOnPlateau


def plateau(**settings):
    groups = [{"params": Parameter(np.ones(1)), "lr": lr} for lr in (0.8, 0.2)]
    return ReduceOnPlateau(SGD(groups, lr=1.0), **settings)


def after(schedule, losses):
    """The rates of both groups after each loss."""
    seen = []
    for loss in losses:
        schedule.measured(loss)
        seen.append(tuple(group["lr"] for group in schedule.optimizer.param_groups))
    return seen


def test_the_rate_falls_after_more_than_so_many_epochs_without_a_better_loss():
    seen = after(plateau(factor=0.5, patience=2), [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8])
    assert seen == [(0.8, 0.2)] * 4 + [(0.4, 0.1)] * 5 + [(0.2, 0.05)]


def test_a_fall_is_followed_by_as_long_a_wait_as_the_first_loss():
    schedule = plateau(factor=0.5, patience=1)
    assert (schedule.best, schedule.waited, schedule.reductions) == (math.inf, 0, 0)
    assert [rate for rate, _ in after(schedule, [1.0] * 6)] == [0.8, 0.8, 0.4, 0.4, 0.2, 0.2]
    assert [rate for rate, _ in after(plateau(factor=0.5, patience=1), [math.nan] * 4)] == [0.8, 0.4, 0.4, 0.2]


def test_better_means_by_more_than_the_threshold_on_either_side_of_zero():
    assert after(plateau(factor=0.5, patience=0, threshold=0.1), [1.0, 0.95])[-1] == (0.4, 0.1)
    assert after(plateau(factor=0.5, patience=0, threshold=0.1), [1.0, 0.85])[-1] == (0.8, 0.2)
    assert after(plateau(factor=0.5, patience=0, threshold=0.1), [-1.0, -1.05])[-1] == (0.4, 0.1)
    assert after(plateau(factor=0.5, patience=0, threshold=0.1), [-1.0, -1.15])[-1] == (0.8, 0.2)


def test_a_loss_that_is_not_a_number_is_not_better_and_does_not_become_the_best():
    schedule = plateau(factor=0.5, patience=0)
    assert after(schedule, [math.nan, 2.0, math.nan]) == [(0.4, 0.1), (0.4, 0.1), (0.2, 0.05)]
    assert schedule.best == 2.0


def test_no_rate_falls_below_the_least_nor_rises_to_it():
    assert after(plateau(factor=0.1, patience=0, min_lr=0.3), [1.0, 1.0]) == [(0.8, 0.2), (0.3, 0.2)]


def test_steps_without_a_loss_only_count():
    schedule = plateau(patience=0)
    schedule.step()
    assert schedule.t == 1 and schedule.optimizer.lr == 0.8 and schedule.best == math.inf and schedule.total is None
    schedule.step(1.0)
    schedule.step(1.0)
    assert schedule.t == 1 and schedule.optimizer.lr == pytest.approx(0.08)


def test_a_resumed_schedule_continues_exactly():
    losses = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    expected = after(plateau(patience=1), losses)
    first, again = plateau(patience=1), plateau(patience=1)
    after(first, losses[:5])
    again.load_state_dict(first.state_dict())
    assert after(again, losses[5:]) == expected[5:]


def test_unless_told_otherwise_it_waits_ten_epochs_for_a_ten_thousandth_and_takes_a_tenth():
    schedule = plateau()
    assert (schedule.factor, schedule.patience, schedule.threshold, schedule.min_lr) == (0.1, 10, 1e-4, 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"factor": 1.0}, "factor must lie between 0 and 1, got 1.0"),
        ({"factor": 0.0}, "factor must lie between 0 and 1, got 0.0"),
        ({"patience": -1}, "patience must be 0 or more, got -1"),
        ({"threshold": -0.1}, "threshold must be 0 or more, got -0.1"),
        ({"min_lr": math.nan}, "min_lr must be 0 or more, got nan"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, message):
    with pytest.raises(ValueError, match=f"^ReduceOnPlateau: {message}$"):
        plateau(**settings)
