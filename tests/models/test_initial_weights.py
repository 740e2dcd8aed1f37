"""The nets' names and initial weights stay what they are: checkpoints load, and published runs can be repeated."""

import hashlib

import numpy as np
import pytest

from specframe.models import (
    VGG16,
    AlexNet,
    DenseNet,
    LeNet5,
    ResNet,
    SpecAlexNet,
    SpecDenseNet,
    SpecLeNet5,
    SpecResNet,
    SpecVGG16,
)  # fmt: skip

NARROW = {"width": 1 / 8}
POOL, FUSED = {"batch_norm": "pool"}, {"batch_norm": True, "activation": "leaky_relu"}


def digest(net):
    """Of all names, shapes, dtypes and bytes of the state."""
    total = hashlib.sha256()
    for name, array in net.state_dict().items():
        total.update(f"{name} {array.shape} {array.dtype} ".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


@pytest.mark.parametrize(
    ("net", "options", "expected"),
    [
        (LeNet5, {}, "b0e2310fa6b8065b"),
        (LeNet5, {"seed": 3}, "371d6fcad0f3b417"),
        (SpecLeNet5, {}, "b0e2310fa6b8065b"),
        (AlexNet, NARROW, "1ea18bb1eaff3586"),
        (AlexNet, NARROW | {"batch_norm": False}, "c318538c16d459cd"),
        (AlexNet, NARROW | FUSED, "1ea18bb1eaff3586"),
        (SpecAlexNet, NARROW, "20a4a46146732db5"),
        (SpecAlexNet, NARROW | POOL, "980539f0c2864fbb"),
        (SpecAlexNet, NARROW | {"paper_strict": True}, "fca44e7c76b25d23"),
        (VGG16, NARROW, "1c8ca1cfe4128dd6"),
        (VGG16, NARROW | {"batch_norm": False}, "38b31f5862b6dd8a"),
        (SpecVGG16, NARROW, "43876430d9bba9a2"),
        (SpecVGG16, NARROW | POOL, "e8c642c9ae79aa7f"),
        (SpecVGG16, NARROW | {"paper_strict": True}, "d46f6d928fb0e98f"),
        (DenseNet, NARROW, "8e3b0038b1879144"),
        (DenseNet, NARROW | {"batch_norm": False}, "b750d8592b89b349"),
        (SpecDenseNet, NARROW, "1833fb8a3b261948"),
        (SpecDenseNet, NARROW | POOL, "366fa6759abde213"),
        (SpecDenseNet, NARROW | {"paper_strict": True}, "2f3dd31d51c81106"),
        (ResNet, NARROW, "d7c8ec81328faf08"),
        (SpecResNet, NARROW, "7899b408114da18d"),
        (SpecResNet, NARROW | POOL, "38a00cfe82f1ac44"),
        (SpecResNet, NARROW | {"paper_strict": True}, "44d3ce1b4a2bf5a8"),
    ],
)
def test_names_and_initial_weights_of_a_net_stay_what_they_are(net, options, expected):
    assert digest(net(**options)) == expected


@pytest.mark.parametrize("net", [LeNet5, SpecLeNet5])
def test_a_net_without_a_seed_is_another_each_time(net):
    assert digest(net(seed=None)) != digest(net(seed=None))
    assert digest(net(seed=np.random.default_rng(0))) == digest(net())
