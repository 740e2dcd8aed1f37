"""Inputs that are not what a layer was made for end in a sentence that says what they look like."""

import numpy as np
import pytest

from specframe.layers import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNormAct2d,
    Conv2d,
    Flatten,
    Linear,
    Sequential,
    SpectralBlock,
)

MAPS = [Conv2d(3, 4, 3), SpectralBlock(3, 4, 3), BatchNorm2d(3), BatchNormAct2d(3), Sequential(Conv2d(3, 4, 3))]


def ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


@pytest.mark.parametrize("layer", MAPS)
def test_images_with_the_channels_first_are_named_as_such(layer):
    name = type(layer if not isinstance(layer, Sequential) else layer[0]).__name__
    message = (
        rf"^{name}: expected maps \(rows, cols, batch, 3\), got \(10, 3, 8, 9\), which looks like \(batch, channels, "
        r"rows, cols\): channels are the last axis here, transpose \(2, 3, 0, 1\)$"
    )
    with pytest.raises(ValueError, match=message):
        layer(ones(10, 3, 8, 9))
    layer(ones(10, 3, 8, 9).transpose(2, 3, 0, 1).copy())  # what the sentence says to do


@pytest.mark.parametrize("layer", MAPS)
def test_maps_with_other_channels_in_both_axes_are_not_said_to_be_such_images(layer):
    with pytest.raises(ValueError, match=r"[34]") as caught:
        layer(ones(10, 8, 8, 4))
    assert "looks like" not in str(caught.value)


@pytest.mark.parametrize("layer", MAPS)
def test_maps_with_the_channels_last_are_taken_whatever_their_other_axes(layer):
    assert layer(ones(4, 3, 2, 3)).shape[2] == 2


@pytest.mark.parametrize("layer", [*MAPS[:4], Linear(3, 2), BatchNorm1d(3)])
def test_another_precision_is_refused_with_both_named(layer):
    x = ones(5, 3, dtype=np.float64) if isinstance(layer, Linear | BatchNorm1d) else ones(5, 5, 2, 3, dtype=np.float64)
    with pytest.raises(
        ValueError, match=r": the weights are float32, the input is float64: convert it with astype, or "
    ):
        layer(x)


def test_a_linear_layer_that_gets_another_number_of_features_speaks_of_the_image():
    net = Sequential(Flatten(), Linear(784, 10))
    message = r"^Linear: expected \(batch, 784\), got \(2, 576\); after Flatten, .* means images of another size$"
    with pytest.raises(ValueError, match=message):
        net(ones(24, 24, 2, 1))


@pytest.mark.parametrize("shape", [(4,), (4, 5), (4, 5, 6)])
def test_flatten_refuses_what_is_no_map(shape):
    with pytest.raises(ValueError, match=r"^Flatten: expected maps \(rows, cols, batch, channels\), got \(4,"):
        Flatten()(ones(*shape))
