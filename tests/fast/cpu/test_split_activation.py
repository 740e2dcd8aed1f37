"""The fast split_activation and split_tanh equal those of ops/, and leave their input alone."""

import contextlib

import numpy as np
import pytest

from specframe import Tensor, ops, reference
from specframe.bodies import body
from specframe.fast.cpu import split_activation
from specframe.ops.split_activation import ACTIVATIONS, SplitActivation
from specframe.ops.split_tanh import SplitTanh
from tests.fast.cpu.common import CPU, both
from tests.ops.common import normal

every_activation = pytest.mark.parametrize("activation", ACTIVATIONS)


def test_they_are_the_bodies_on_the_cpu():
    assert body(SplitActivation, CPU) is split_activation.FastSplitActivation
    assert body(SplitTanh, CPU) is split_activation.FastSplitTanh


@every_activation
@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("dtype", ["complex64", "complex128", "float32", "float64"])
@pytest.mark.parametrize("shape", [(4, 3, 2, 3), (4, 3, 0, 3), (1,), ()])
def test_split_activation_equals_the_plain_one(rng, activation, scale, dtype, shape):
    Y, gZ = (np.asarray(normal(rng, shape, dtype)) for _ in range(2))
    both(lambda Y: ops.split_activation(Y, activation, scale), Y, gy=gZ)


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("dtype", ["complex64", "float64"])
@pytest.mark.parametrize("shape", [(4, 3, 2, 3), (4, 3, 0, 3), ()])
def test_split_tanh_equals_the_plain_one(rng, scale, dtype, shape):
    Y, gZ = (np.asarray(normal(rng, shape, dtype)) for _ in range(2))
    both(lambda Y: ops.split_tanh(Y, scale), Y, gy=gZ)


@every_activation
@pytest.mark.parametrize("view", [lambda Y: Y.T, lambda Y: Y[::2, 1:], np.asfortranarray])
def test_of_arrays_that_are_not_contiguous(rng, activation, view):
    Y, gZ = view(normal(rng, (6, 7), np.complex128)), view(normal(rng, (6, 7), np.complex128))
    both(lambda Y: ops.split_activation(Y, activation, 2.0), Y, gy=gZ)


@every_activation
def test_input_cotangent_and_output_are_left_alone(rng, activation):
    Y, gZ = normal(rng, (3, 4), np.complex64), normal(rng, (3, 4), np.complex64)
    before = Y.copy(), gZ.copy()
    (Z, _), _ = both(lambda Y: ops.split_activation(Y, activation, 2.0), Y, gy=gZ, store="dense")
    np.testing.assert_array_equal(Y, before[0])
    np.testing.assert_array_equal(gZ, before[1])
    np.testing.assert_array_equal(Z, ops.split_activation(Tensor(Y), activation, 2.0).data)


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_tanh_needs_no_map_besides_its_result(scale):
    Y = Tensor(np.ones((64, 64, 16, 4), np.complex64))
    peaks = []
    for scope in (reference, contextlib.nullcontext):
        with scope(), CPU.peak_memory() as peak:
            ops.split_tanh(Y, scale)
        peaks.append(peak.nbytes / Y.data.nbytes)
    assert peaks[1] < 1.1 < 1.9 < peaks[0]


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_neither_does_its_backward(scale):
    Z, gZ = np.full((64, 64, 16, 4), 0.5 - 0.5j, np.complex64), np.ones((64, 64, 16, 4), np.complex64)
    with CPU.peak_memory() as peak:
        split_activation.activate_backward(gZ, Z, "tanh", scale)
    assert peak.nbytes < 1.1 * Z.nbytes
