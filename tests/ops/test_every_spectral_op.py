"""What the ops of the spectrum promise besides (test_every_op.py): a batch without images passes through them, and on a
device nothing in them waits for a value."""

import numpy as np
import pytest

from specframe import Tape, Tensor
from tests.kit.strict import STRICT, count_waits
from tests.ops.common import run
from tests.ops.test_every_op import CALLS, COMPLEX_RESULT, draw

NAMES = """decimate irfft2 rfft2 spectral_act spectral_conv2d spectral_conv_act split_activation split_tanh
    threshold""".split()
every_op = pytest.mark.parametrize("name", NAMES)


@pytest.mark.parametrize("store", ["dense", "csr", "mask", "auto"])
@every_op
def test_no_images_give_no_images_and_no_gradient(be, name, store):
    call, inputs = CALLS[name]
    dtypes = {"r": np.float32, "c": np.complex64}
    arrays = [np.ones(shape, dtypes[kind]) for kind, shape in inputs]
    arrays[0] = arrays[0][:, :, :0]
    y, gradients = run(be, call, *arrays, store=store)
    assert y.shape[2] == 0 and y.dtype == (np.complex64 if name in COMPLEX_RESULT else np.float32)
    for gradient, array in zip(gradients, arrays, strict=True):
        assert (gradient.shape, gradient.dtype) == (array.shape, array.dtype) and not gradient.any()


@every_op
def test_the_device_is_never_waited_for(rng, name):
    leaves = [Tensor(STRICT.asarray(array), requires_grad=True) for array in draw(rng, name)]
    with count_waits() as waits:
        with Tape("dense") as tape:
            y = CALLS[name][0](*leaves)
        tape.backward(y, y.data)
        assert waits() == 0
    assert all(leaf.grad is not None for leaf in leaves)
