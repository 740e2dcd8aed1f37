"""Each net gives the same logits and gradients by the fast bodies and by those of specframe/ops."""

import numpy as np
import pytest

from specframe import Module, Tape, Tensor, models, ops, reference

NETS = {
    "LeNet5": {}, "SpecLeNet5": {}, "AlexNet": {"width": 1 / 16}, "SpecAlexNet": {"width": 1 / 16},
    "VGG16": {"width": 1 / 16}, "SpecVGG16": {"width": 1 / 16}, "DenseNet": {"width": 1 / 16},
    "SpecDenseNet": {"width": 1 / 16}, "ResNet": {"width": 1 / 4}, "SpecResNet": {"width": 1 / 4},
}  # fmt: skip


def results(net, images, labels):
    """The logits and the gradient of every parameter, by name."""
    with Tape() as tape:
        logits = net(Tensor(images))
        loss = ops.softmax_cross_entropy(logits, labels)
    tape.backward(loss)
    gradients = {name: parameter.grad for name, parameter in net.named_parameters()}
    for parameter in net.parameters():
        parameter.grad = None
    return {"logits": logits.data} | gradients


def assert_both_agree(net, tolerance):
    rng = np.random.default_rng(1)  # draws no image that leaves an entry within rounding of a threshold or a kink
    size, channels = (28, 1) if type(net).__name__.endswith("LeNet5") else (32, 3)
    images = (1 + rng.standard_normal((size, size, 12, channels))).astype(net.parameters()[0].dtype)
    labels = rng.integers(0, 10, 12)
    fast = results(net, images, labels)
    with reference():
        plain = results(net, images, labels)
    for name, array in plain.items():
        assert fast[name].dtype == array.dtype and array.any()
        np.testing.assert_allclose(fast[name], array, rtol=0, atol=tolerance * abs(array).max(), err_msg=name)


def test_no_net_is_missing_here():
    assert sorted(NETS) == sorted(
        name for name in models.__all__ if isinstance(kind := getattr(models, name), type) and issubclass(kind, Module)
    )


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-11)])
def test_logits_and_gradients_agree(name, dtype, tolerance):
    assert_both_agree(getattr(models, name)(**NETS[name], seed=1, dtype=dtype), tolerance)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("SpecLeNet5", {"paper_strict": True}),
        ("SpecLeNet5", {"beta": 1.5, "scale": 4.0, "grid": "fast", "norm": "ortho"}),
        ("SpecAlexNet", {"batch_norm": "spectral", "spectral_stages": 5}),
        ("SpecVGG16", {"batch_norm": "spectral", "spectral_stages": 5}),
        ("SpecDenseNet", {"batch_norm": "none", "beta": 0.2, "return_every": 6}),
    ],
)
def test_so_they_do_with_other_settings(name, options):
    assert_both_agree(getattr(models, name)(**NETS[name], **options, seed=1, dtype=np.float64), 1e-11)
