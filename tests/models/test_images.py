"""Nets say which images they are for: when they are made, and when they get others."""

import numpy as np
import pytest

from specframe.models import VGG16, AlexNet, DenseNet, LeNet5, SpecAlexNet, SpecDenseNet, SpecLeNet5, SpecVGG16

LEAST = [(LeNet5, 4), (SpecLeNet5, 4), (AlexNet, 29), (SpecAlexNet, 29), (VGG16, 32), (SpecVGG16, 32)]
WIDTH = 1 / 16


def make(net, **options):
    return net(**options) if "LeNet" in net.__name__ else net(width=WIDTH, **options)


def images(rows, cols, channels, count=2):
    return np.ones((rows, cols, count, channels), np.float32)


def channels_of(net):
    return 1 if "LeNet" in net.__name__ else 3


@pytest.mark.parametrize(("net", "least"), LEAST)
def test_the_smallest_images_are_taken_and_smaller_ones_refused(net, least):
    assert make(net, image_size=least)(images(least, least, channels_of(net))).shape == (2, 10)
    for size in (least - 1, 1, 0):
        message = f"^{net.__name__}: images must have at least {least} rows and columns, got {size}$"
        with pytest.raises(ValueError, match=message):
            make(net, image_size=size)


@pytest.mark.parametrize(("net", "least"), LEAST)
@pytest.mark.parametrize("size", [28.0, "28", (28, 28), None, -1])
def test_an_image_size_that_is_no_number_is_refused(net, least, size):
    with pytest.raises(ValueError, match=f"^{net.__name__}: image_size is a whole number, of rows and of columns, got"):
        make(net, image_size=size)


@pytest.mark.parametrize(("net", "made_for", "sizes"), [
    (LeNet5, 28, [(24, 24), (28, 24), (2, 2)]), (SpecLeNet5, 28, [(32, 32), (14, 56)]),
    (AlexNet, 32, [(64, 64), (16, 16)]), (SpecAlexNet, 32, [(28, 28)]),
    (VGG16, 32, [(28, 28), (64, 32)]), (SpecVGG16, 32, [(16, 64)]),
])  # fmt: skip
def test_images_of_another_size_are_named_as_such(net, made_for, sizes):
    model = make(net)
    for rows, cols in sizes:
        message = rf"^{net.__name__}: made for images of {made_for} x {made_for} \(image_size\), got {rows} x {cols}$"
        with pytest.raises(ValueError, match=message):
            model(images(rows, cols, channels_of(net)))


@pytest.mark.parametrize(("net", "size"), [(LeNet5, 31), (AlexNet, 36), (VGG16, 33)])
def test_images_that_leave_as_many_features_are_taken(net, size):
    assert make(net)(images(size, size, channels_of(net))).shape == (2, 10)


@pytest.mark.parametrize("net", [DenseNet, SpecDenseNet])
def test_a_dense_net_takes_images_of_any_size_from_2_on(net):
    assert make(net)(images(2, 3, 3)).shape == make(net)(images(9, 4, 3)).shape == (2, 10)
    with pytest.raises(ValueError, match=f"^{net.__name__}: images must have at least 2 rows and columns, got 1$"):
        make(net)(images(1, 8, 3))


@pytest.mark.parametrize("net", [LeNet5, SpecLeNet5, AlexNet, SpecAlexNet, VGG16, SpecVGG16, DenseNet, SpecDenseNet])
def test_images_with_the_channels_first_are_named_as_such(net):
    size = 28 if "LeNet" in net.__name__ else 32
    with pytest.raises(
        ValueError, match=r"which looks like \(batch, channels, rows, cols\): channels are the last axis"
    ):
        make(net)(np.ones((2, channels_of(net), size, size), np.float32))


@pytest.mark.parametrize("net", [AlexNet, VGG16, DenseNet])
@pytest.mark.parametrize("activation", ["sum", "gelu", None])
def test_an_unknown_activation_is_refused(net, activation):
    message = f"^unknown activation {activation!r} of a spatial net, choose relu, leaky_relu, tanh$"
    with pytest.raises(ValueError, match=message):
        make(net, activation=activation)


@pytest.mark.parametrize("options", [{"num_classes": 0}, {"in_channels": 0}, {"num_classes": 2.5}])
@pytest.mark.parametrize("net", [LeNet5, SpecLeNet5, AlexNet, SpecAlexNet, VGG16, SpecVGG16, DenseNet, SpecDenseNet])
def test_sizes_that_are_no_numbers_are_refused(net, options):
    with pytest.raises(ValueError, match=r"must be a whole number, 1 or more, got "):
        make(net, **options)


@pytest.mark.parametrize("stages", [-1, 6, 2.5])
@pytest.mark.parametrize("net", [SpecAlexNet, SpecVGG16])
def test_a_number_of_spectral_stages_out_of_range_is_refused(net, stages):
    with pytest.raises(ValueError, match=f"^{net.__name__}: spectral_stages must be 0 to 5, got {stages}$"):
        make(net, spectral_stages=stages)
