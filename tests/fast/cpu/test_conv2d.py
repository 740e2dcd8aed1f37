"""conv2d on the CPU: by windows, in bands of rows, gx in the place of x; equal to the plain loops."""

import numpy as np
import pytest

from specframe import Tape, Tensor, ops
from specframe.fast.cpu import _windows
from specframe.fast.cpu.conv2d import FastConv2d
from specframe.op import Context
from specframe.ops.conv2d import Conv2d
from tests.fast.bodies import CPU, LAYOUTS, Given, assert_bodies_agree
from tests.ops.common import normal

VARIANTS = [  # size, kernel, stride, padding
    ((5, 6), (3, 3), 1, 0), ((6, 5), (3, 3), 1, "same"), ((7, 6), (3, 3), 2, 1), ((8, 8), (3, 3), 3, 0),
    ((6, 5), (2, 4), 1, 0), ((6, 5), (1, 3), 2, "same"), ((5, 4), (3, 3), 1, 3), ((1, 1), (3, 3), 1, 1),
    ((7, 8), (3, 2), (2, 3), (0, 2)), ((6, 5), (2, 3), (1, 2), ((0, 2), 1)), ((9, 6), (2, 1), (3, 1), ((2, 0), 1)),
]  # fmt: skip


def draw(rng, size, kernel, batch=2, c_in=3, c_out=4):
    return normal(rng, (*size, batch, c_in)), normal(rng, (c_out, c_in, *kernel)), normal(rng, c_out)


def test_it_is_registered():
    assert CPU.bodies[Conv2d] is FastConv2d


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch", [1, 2])
@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), VARIANTS)
def test_it_equals_the_plain_body(rng, size, kernel, stride, padding, batch, layout):
    arrays = draw(rng, size, kernel, batch)
    assert_bodies_agree(lambda *a: ops.conv2d(*a, stride, padding), *arrays, layout=layout)


@pytest.mark.parametrize(
    "needs", [(True, False, False), (False, True, False), (True, True, False), (False, False, True)]
)
def test_it_equals_the_plain_body_where_some_gradients_are_not_asked_for(rng, needs):
    for stride in (1, 2):
        assert_bodies_agree(lambda *a: ops.conv2d(*a, stride, 1), *draw(rng, (6, 7), (3, 3)), needs=needs)  # noqa: B023


def test_it_equals_the_plain_body_on_an_empty_batch(rng):
    assert_bodies_agree(lambda *a: ops.conv2d(*a, 2, 1), *draw(rng, (6, 7), (3, 3), batch=0))


@pytest.mark.parametrize("entries", [1, 60, 150, 200])
def test_bands_of_rows_give_what_one_piece_gives(rng, monkeypatch, entries):
    monkeypatch.setattr(_windows, "BAND_ENTRIES", entries)
    for stride in (1, 2, 3):
        assert_bodies_agree(lambda *a: ops.conv2d(*a, stride, 1), *draw(rng, (9, 6), (3, 3)))  # noqa: B023


def test_a_band_holds_no_more_rows_than_asked_for(monkeypatch):
    largest = []
    empty = np.empty
    monkeypatch.setattr(np, "empty", lambda shape, *rest: largest.append(np.prod(shape)) or empty(shape, *rest))
    windows = _windows.Windows((100, 5), (3, 3), (1, 1), 1, 1)
    monkeypatch.setattr(_windows, "BAND_ENTRIES", 1000)
    assert sum(1 for _ in windows.patches(np, np.zeros((100, 5, 2, 4)))) == 100
    assert 900 < max(largest) <= 1000


def context(rng, **padding):
    """Of a forward whose x is not held by anybody else, with that x and the weight."""
    x, weight, _ = draw(rng, (6, 5), (3, 3))
    ctx = Context(CPU, (True, True, False))
    y = FastConv2d.forward(ctx, x, weight, None, (1, 1), ((1, 1), (1, 1)))
    ctx.saved = {"x": Given(x), "weight": Given(weight)}
    return ctx, x, normal(rng, y.shape)


def test_gx_takes_the_place_of_an_x_that_nobody_else_has(rng):
    ctx, x, gy = context(rng)
    before = x.copy()
    gx, gk, gb = FastConv2d.backward(ctx, gy)
    assert gx.ctypes.data == x.ctypes.data and gb is None
    ctx.saved["x"].array = before
    ctx.needs = (False, True, False)
    nothing, expected, _ = FastConv2d.backward(ctx, gy)
    assert nothing is None
    np.testing.assert_allclose(gk, expected, rtol=1e-11, atol=1e-12)


def test_a_frozen_weight_keeps_no_map(rng):
    x, weight, _ = draw(rng, (6, 5), (3, 3))
    with Tape("dense") as tape:
        ops.conv2d(ops.tanh(Tensor(x, requires_grad=True)), Tensor(weight))
    assert [row.array for row in tape.ledger.rows if row.op == "conv2d"] == ["weight"]
