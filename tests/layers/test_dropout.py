"""Dropout: what it zeroes, and that what is resumed draws on while what is copied draws anew."""

import copy
import math
import pickle

import numpy as np
import pytest

from specframe import Tensor
from specframe.layers import Dropout, Linear, Sequential
from specframe.random import manual_seed


def test_dropout_draws_anew_each_time_and_scales_what_it_keeps(be):
    drop, x = Dropout(0.25, seed=3).to(be), Tensor(be.asarray(np.ones((100, 40), np.float32)))
    first, second = drop(x).numpy(), drop(x).numpy()
    assert set(np.unique(first)) == {np.float32(0), np.float32(1 / 0.75)} and first.dtype == np.float32
    assert abs((first == 0).mean() - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 4000)
    assert not np.array_equal(first, second)


def test_dropout_passes_everything_in_evaluation_and_draws_nothing():
    drop, x = Dropout(0.5).eval(), Tensor(np.ones(20))
    assert drop(x) is x and drop.key.tolist()[1] == 0


def test_a_resumed_dropout_draws_what_the_unbroken_one_would_have(be):
    x = Tensor(be.asarray(np.ones((20, 20), np.float32)))
    unbroken = Dropout(0.5, seed=4).to(be)
    for _ in range(3):
        unbroken(x)
    state = unbroken.state_dict()
    assert state["key"].tolist()[1] == 3
    resumed = Dropout(0.5, seed=4).to(be)
    resumed.load_state_dict(state)
    for _ in range(2):
        np.testing.assert_array_equal(resumed(x).numpy(), unbroken(x).numpy())


def test_dropout_draws_follow_the_seed():
    x = Tensor(np.ones((20, 20)))
    draws = [Dropout(0.5, seed=seed)(x).data for seed in (1, 1, 2)]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


# ---- seeds and copies ------------------------------------------------------------------------------------------

ONES = np.ones((20, 20), np.float32)
COPIES = [copy.copy, copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))]


def test_layers_without_a_seed_draw_differently():
    assert not np.array_equal(Dropout()(ONES).data, Dropout()(ONES).data)


def test_one_call_makes_layers_without_a_seed_reproducible():
    draws = []
    for seed in (5, 5, 6):
        manual_seed(seed)
        draws.append(Dropout()(ONES).data)
    assert np.array_equal(draws[0], draws[1]) and not np.array_equal(draws[0], draws[2])


@pytest.mark.parametrize("duplicate", COPIES, ids=["copy", "deepcopy", "pickle"])
@pytest.mark.parametrize("seed", [None, 3])
def test_a_copy_draws_anew_and_leaves_the_original_alone(duplicate, seed):
    drop = Dropout(0.5, seed)
    drop(ONES)
    twin = Dropout(0.5, seed=0)
    twin.load_state_dict(drop.state_dict())
    other = duplicate(drop)
    assert other.p == 0.5 and other.key.dtype == np.int64
    assert not np.array_equal(other(ONES).data, drop(ONES).data)
    assert not np.array_equal(other(ONES).data, duplicate(drop)(ONES).data)
    twin(ONES)
    np.testing.assert_array_equal(drop(ONES).data, twin(ONES).data)


def test_dropout_inside_a_copied_net_draws_anew():
    net = Sequential(Linear(20, 20), Dropout())
    assert not np.array_equal(copy.deepcopy(net)(ONES).data, net(ONES).data)


def test_a_copy_of_a_layer_on_a_device_stays_there(be):
    drop = copy.copy(Dropout(0.5, seed=1).to(be))
    assert isinstance(drop.key, be.array_type)
    assert drop(Tensor(be.asarray(ONES))).shape == (20, 20)


@pytest.mark.parametrize("seed", [-1, 1.5, 2**63])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match=r"^Dropout: seed must be"):
        Dropout(seed=seed)
