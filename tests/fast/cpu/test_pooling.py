"""max_pool2d on the CPU, without selections: equal to the plain body, NaN and ties included."""

import numpy as np
import pytest

from specframe import Tape, Tensor, ops
from specframe.fast.cpu.pooling import FastMaxPool2d
from specframe.ops.pooling import MaxPool2d
from tests.fast.bodies import CPU, LAYOUTS, assert_bodies_agree
from tests.ops.common import normal

WINDOWS = [  # size of the map, window, stride: tiles, a border left over, overlaps, gaps, in one direction only
    ((4, 6), 2, None), ((5, 7), 2, 2), ((5, 6), 3, 1), ((7, 8), 2, 3), ((4, 6), (2, 3), None), ((4, 7), (2, 3), None),
    ((5, 6), (2, 3), None), ((5, 6), (2, 3), (2, 1)), ((5, 6), (2, 3), (1, 3)), ((3, 4), 1, 1),
    ((6, 4), (3, 2), (4, 2)), ((4, 4), (2, 3), None), ((4, 4), (3, 2), None),
]  # fmt: skip


def test_it_is_registered():
    assert CPU.bodies[MaxPool2d] is FastMaxPool2d


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 3, 0])
@pytest.mark.parametrize(("size", "window", "stride"), WINDOWS)
def test_it_equals_the_plain_body(rng, monkeypatch, size, window, stride, batch, layout):
    empty = np.empty
    monkeypatch.setattr(np, "empty", lambda *a, **k: _spoiled(empty(*a, **k)))  # nobody may rely on fresh memory
    for x in (normal(rng, (*size, batch, 2)), rng.integers(0, 3, (*size, batch, 2)) * 1.0):
        assert_bodies_agree(lambda x: ops.max_pool2d(x, window, stride), x, layout=layout)


def _spoiled(array):
    array.fill(np.nan if array.dtype.kind == "f" else 1)
    return array


def test_it_equals_the_plain_body_where_there_are_nan(rng):
    x = rng.integers(0, 3, (6, 7, 2, 3)) * 1.0
    x[x == 2] = np.nan
    for stride in (1, 2):
        assert_bodies_agree(lambda x: ops.max_pool2d(x, 2, stride), x)  # noqa: B023


def test_only_a_map_with_nan_is_left_to_the_plain_body(rng, monkeypatch):
    calls, plain = [], MaxPool2d.forward
    monkeypatch.setattr(MaxPool2d, "forward", staticmethod(lambda *a: calls.append(a) or plain(*a)))
    x = normal(rng, (4, 4, 2, 3))
    x[0, 0, 0, 0], x[1:3, 2] = np.inf, -np.inf
    for expected in (0, 1):
        with Tape():
            ops.max_pool2d(Tensor(x, requires_grad=True))
        assert len(calls) == expected
        x[3, 3, 1, 2] = np.nan


def test_without_a_tape_no_winner_is_looked_for(rng):
    x = normal(rng, (128, 128, 8, 8))
    ops.max_pool2d(Tensor(x))
    with CPU.peak_memory() as peak:
        y = ops.max_pool2d(Tensor(x))
    assert peak.nbytes < 1.05 * y.data.nbytes
