"""leaky_relu on the CPU, in pieces: equal to the plain body."""

import numpy as np
import pytest

from specframe import ops
from specframe.backend.cpu import PIECE_BYTES
from specframe.fast.cpu.pointwise import FastLeakyReLU, leak
from specframe.ops.pointwise import LeakyReLU
from tests.fast.bodies import CPU, LAYOUTS, assert_bodies_agree
from tests.ops.common import normal


def test_it_is_registered():
    assert CPU.bodies[LeakyReLU] is FastLeakyReLU


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(7,), (1, 1), (3, 4, 2, 5), (0, 3), (64, 1025)])
def test_it_equals_the_plain_body(rng, shape, layout):
    assert_bodies_agree(lambda x: ops.leaky_relu(x, 0.3), normal(rng, shape), layout=layout)


def test_it_equals_the_plain_body_on_a_number():
    for number in (-2.0, 3.0):
        assert_bodies_agree(ops.leaky_relu, np.array(number))


def test_it_equals_the_plain_body_where_its_output_is_made_again(rng):
    def fn(x):
        y = ops.leaky_relu(ops.tanh(x))
        return y * y

    assert_bodies_agree(fn, normal(rng, (3, 4, 2, 5)), store="dense")


def test_it_may_work_in_place_and_takes_no_more_memory_than_a_piece_besides(rng):
    x = normal(rng, (512, 1024), np.float32)
    expected = np.where(x > 0, x, x * np.float32(0.2))
    with CPU.peak_memory() as peak:
        assert leak(CPU, x > 0, x, 0.2, out=x) is x
    np.testing.assert_array_equal(x, expected)
    assert peak.nbytes < x.size + 5 * PIECE_BYTES  # the booleans, and what is made of a piece
