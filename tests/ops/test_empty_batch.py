"""A batch without images passes through the ops of the spectrum, both ways, whatever keeps what is saved."""

import numpy as np
import pytest

from tests.ops.common import run
from tests.ops.test_every_op import CALLS, COMPLEX_RESULT

NAMES = """decimate irfft2 rfft2 spectral_act spectral_conv2d spectral_conv_act split_activation split_tanh
    threshold""".split()


@pytest.mark.parametrize("store", ["dense", "csr", "mask", "auto"])
@pytest.mark.parametrize("name", NAMES)
def test_no_images_give_no_images_and_no_gradient(be, name, store):
    call, inputs = CALLS[name]
    dtypes = {"r": np.float32, "c": np.complex64}
    arrays = [np.ones(shape, dtypes[kind]) for kind, shape in inputs]
    arrays[0] = arrays[0][:, :, :0]
    y, gradients = run(be, call, *arrays, store=store)
    assert y.shape[2] == 0 and y.dtype == (np.complex64 if name in COMPLEX_RESULT else np.float32)
    for gradient, array in zip(gradients, arrays, strict=True):
        assert (gradient.shape, gradient.dtype) == (array.shape, array.dtype) and not gradient.any()
