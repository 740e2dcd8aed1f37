"""The transforms that benchmarks/transforms.py compares: orthonormal for every size, each with its own inverse."""

import numpy as np
import pytest

from benchmarks.transforms import TRANSFORMS, copies, haar_matrix
from specframe.memory.dct import Keep


def packed(name, x, rate=1.0):
    return TRANSFORMS[name](x, Keep("rate", rate), "exact", (0,))


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("size", [(2, 2), (3, 4), (4, 3), (5, 5), (8, 8), (19, 6), (32, 32)])
def test_transforms_keep_the_energy_and_invert(name, size):
    x = np.random.default_rng(0).standard_normal((*size, 3, 2))
    handle = packed(name, x)
    assert np.sum(np.abs(handle.forward(x)) ** 2) == pytest.approx(np.sum(x**2), rel=1e-12)
    np.testing.assert_allclose(handle.dense(), x, atol=1e-13)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_dropped_coefficient_costs_its_square(name):
    x = np.random.default_rng(1).standard_normal((6, 7, 3, 2))
    handle = packed(name, x, 0.3)
    y = handle.forward(x)
    dropped = np.sort(np.abs(y).ravel())[: y.size - round(handle.density * y.size)]
    assert np.sum((x - handle.dense()) ** 2) == pytest.approx(np.sum(dropped**2), rel=1e-12)


def test_haar_by_hand():
    r, h = 1 / np.sqrt(2), 1 / 2
    np.testing.assert_allclose(haar_matrix(4), [[h, h, h, h], [h, h, -h, -h], [r, -r, 0, 0], [0, 0, r, -r]])
    np.testing.assert_allclose(haar_matrix(3), [[h, h, r], [h, h, -r], [r, -r, 0]])  # the third sample has no partner


@pytest.mark.parametrize("size", [(1, 4), (2, 2), (4, 6), (5, 6), (4, 7), (5, 7)])
def test_every_bin_of_the_full_spectrum_is_stored_once(size):
    c = copies(*size)
    assert c.shape == (size[0], size[1] // 2 + 1) and c.sum() == size[0] * size[1]
