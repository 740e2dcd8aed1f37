"""Constructors refuse what their first batch would stumble over, by the names of layer and argument."""

import numpy as np
import pytest

from specframe.layers import (
    AvgPool2d,
    BatchNorm1d,
    BatchNorm2d,
    Checkpoint,
    Conv2d,
    Dropout,
    Embedding,
    Identity,
    LayerNorm,
    Linear,
    MaxPool2d,
    SpectralBatchNorm2d,
    SpectralBlock,
    SpectralConv2d,
    SpectralLayer,
    SplitTanh,
    Threshold,
)

NO_SIZES = [0, -1, 1.5, "3", None, True, float("nan")]
NO_PAIRS = [*NO_SIZES, (3, 0), (3,), (1, 2, 3), [3, 1.5]]
NO_SHARES = [-0.1, 1.5, float("nan"), "half", None]
NO_PADDINGS = [-1, 1.5, "full", None, (1, -1), (1, 2, 3), ((1, 2), (3, -4)), ((1, 2), (3, 4, 5)), (1, "same")]

WHOLE = "must be a whole number, 1 or more"
SHARE = "must be a number from 0 to 1"
PADDING = r"must be a whole number, 0 or more, \(rows, cols\), \(\(top, bottom\), \(left, right\)\), 'same' or 'valid'"


@pytest.mark.parametrize(
    ("make", "name", "sentence", "values"),
    [
        (lambda n: Linear(n, 3), "Linear: n_in", WHOLE, NO_SIZES),
        (lambda n: Linear(3, n), "Linear: n_out", WHOLE, NO_SIZES),
        (lambda n: Conv2d(n, 4, 3), "Conv2d: c_in", WHOLE, NO_SIZES),
        (lambda n: Conv2d(3, n, 3), "Conv2d: c_out", WHOLE, NO_SIZES),
        (lambda n: Conv2d(3, 4, n), "Conv2d: kernel_size", WHOLE + ", or a pair of them", NO_PAIRS),
        (lambda n: Conv2d(3, 4, 3, stride=n), "Conv2d: stride", WHOLE + ", or a pair of them", NO_PAIRS),
        (lambda n: Conv2d(3, 4, 3, padding=n), "Conv2d: padding", PADDING, NO_PADDINGS),
        (lambda n: MaxPool2d(n), "MaxPool2d: size", WHOLE + ", or a pair of them", NO_PAIRS),
        (lambda n: AvgPool2d(2, n), "AvgPool2d: stride", WHOLE + ", or a pair of them", [0, 1.5, (1, 0)]),
        (lambda n: BatchNorm2d(n), "BatchNorm2d: channels", WHOLE, NO_SIZES),
        (lambda n: BatchNorm1d(n), "BatchNorm1d: channels", WHOLE, [0]),
        (lambda n: SpectralBatchNorm2d(n), "SpectralBatchNorm2d: channels", WHOLE, [0]),
        (lambda n: BatchNorm2d(3, momentum=n), "BatchNorm2d: momentum", SHARE, NO_SHARES),
        (lambda n: BatchNorm2d(3, eps=n), "BatchNorm2d: eps", SHARE, NO_SHARES),
        (lambda n: LayerNorm(n), "LayerNorm: shape", WHOLE, NO_SIZES),
        (lambda n: LayerNorm((3, n)), "LayerNorm: shape", WHOLE, NO_SIZES),
        (lambda n: LayerNorm(3, eps=n), "LayerNorm: eps", SHARE, NO_SHARES),
        (lambda n: Embedding(n, 3), "Embedding: count", WHOLE, NO_SIZES),
        (lambda n: Embedding(3, n), "Embedding: size", WHOLE, NO_SIZES),
        (lambda n: Dropout(n), "Dropout: p", SHARE, NO_SHARES),
        (lambda n: SpectralConv2d(n, 4, 3), "SpectralConv2d: c_in", WHOLE, NO_SIZES),
        (lambda n: SpectralConv2d(3, 4, n), "SpectralConv2d: kernel_size", WHOLE, [*NO_SIZES, (3, 3)]),
        (lambda n: SpectralLayer(3, n, 3), "SpectralLayer: c_out", WHOLE, NO_SIZES),
        (lambda n: SpectralBlock(n, 4, 3), "SpectralBlock: c_in", WHOLE, NO_SIZES),
        (lambda n: SpectralBlock(3, 4, n), "SpectralBlock: kernel_size", WHOLE, [*NO_SIZES, (3, 3)]),
        (lambda n: SpectralBlock(3, 4, 3, convs=n), "SpectralBlock: convs", WHOLE, NO_SIZES),
        (lambda n: Checkpoint(Identity(), n), "Checkpoint: slices", WHOLE, NO_SIZES),
    ],
)
def test_numbers_out_of_range_are_refused_when_the_layer_is_made(make, name, sentence, values):
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} {sentence}, got ") as caught:
            make(value)
        assert str(caught.value).endswith(f"got {value!r}")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Threshold(-1), "Threshold: beta must be 0 or more, got -1"),
        (lambda: SplitTanh(0), "SplitTanh: the scale of tanh must be above 0, got 0"),
        (
            lambda: SpectralLayer(1, 1, 3, batch_norm="pool"),
            "SpectralLayer: unknown batch_norm 'pool', expected None or",
        ),
        (lambda: SpectralBlock(1, 1, 3, grid="wide"), "unknown grid 'wide': choose linear, fast"),
        (lambda: SpectralBlock(1, 1, 3, grid=(3, 4, 5)), "a grid is a name, a number or a pair"),
    ],
)
def test_other_settings_too(make, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_numpy_numbers_are_numbers():
    n = np.int64(3)
    assert Conv2d(n, n, (n, n), stride=n, padding=(n, n)).weight.shape == (3, 3, 3, 3)
    assert Dropout(np.float32(0.5), seed=np.int64(1)).key.tolist() == [1, 0]
    assert MaxPool2d([n, n]).size == [3, 3] and BatchNorm2d(n, momentum=1).channels == 3
