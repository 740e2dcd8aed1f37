"""PyTorch in and out: the same logits, the same names, and nothing lost on the way and back."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import specframe as sf
from specframe import layers as L
from specframe import models, ops
from specframe.models import LeNet5, SpecLeNet5


def test_arrays_by_the_names_of_the_net_go_in_without_pytorch():
    state = LeNet5(seed=1).state_dict()
    net = LeNet5()
    assert sf.interop.from_torch(state | {"norm.num_batches_tracked": np.array(3)}, net) is net
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, state[name])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"fc3.bias": np.zeros(9, np.float32)}, r"^LeNet5: fc3\.bias is \(10,\), but the state has \(9,\)$"),
     ({"fc4.bias": np.zeros(9)}, r"^LeNet5: the state lacks nothing, and has unknown \['fc4\.bias'\]$")],
)  # fmt: skip
def test_a_state_that_does_not_fit_is_refused_and_nothing_is_loaded(change, sentence):
    net = LeNet5()
    before = net.state_dict()
    with pytest.raises(ValueError, match=sentence):
        sf.interop.from_torch(LeNet5(seed=1).state_dict() | change, net)
    assert all((array == before[name]).all() for name, array in net.state_dict().items())
    with pytest.raises(TypeError, match=r"^from_torch: expected the state_dict\(\) of a module, got LeNet5$"):
        sf.interop.from_torch(net, net)


def test_without_pytorch_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=r"^to_torch needs PyTorch, .*: pip install 'specframe\[oracle\]'$"):
        sf.interop.to_torch(LeNet5())


def test_pytorch_is_imported_when_a_net_goes_there_and_not_before():
    code = "import sys, specframe as sf, specframe.training; sf.interop.from_torch; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


# ---- with PyTorch ------------------------------------------------------------------------------------------------

SMALL = {"width": 1 / 8}
NETS = [
    ("LeNet5", {}), ("LeNet5", {"image_size": 21, "in_channels": 3, "num_classes": 4}),
    ("SpecLeNet5", {}), ("SpecLeNet5", {"paper_strict": True}),
    ("SpecLeNet5", {"beta": 0.0, "scale": 4.0, "grid": "fast", "norm": "backward"}),
    ("SpecLeNet5", {"beta": 1.5, "grid": 33}),
    ("AlexNet", SMALL), ("AlexNet", SMALL | {"batch_norm": True, "activation": "tanh", "image_size": 41}),
    ("SpecAlexNet", SMALL), ("SpecAlexNet", SMALL | {"paper_strict": True}),
    ("SpecAlexNet", SMALL | {"batch_norm": "pool", "spectral_stages": 3, "activation": "softsign", "grid": "same"}),
    ("VGG16", SMALL), ("VGG16", SMALL | {"batch_norm": False, "activation": "leaky_relu"}),
    ("SpecVGG16", SMALL), ("SpecVGG16", SMALL | {"paper_strict": True, "beta": 0.01}),
    ("SpecVGG16", SMALL | {"beta": [0.2, [0.1, 0.3]], "scale": [4, 2], "activation": "arctan", "rectify": False}),
    ("DenseNet", SMALL), ("DenseNet", SMALL | {"layers": 2, "batch_norm": False}),
    ("SpecDenseNet", SMALL), ("SpecDenseNet", SMALL | {"paper_strict": True}),
    ("SpecDenseNet", SMALL | {"layers": 3, "return_every": 2, "batch_norm": "pool", "activation": "hardtanh"}),
    ("ResNet", SMALL), ("ResNet", SMALL | {"blocks": 1, "batch_norm": False, "activation": "leaky_relu"}),
    ("SpecResNet", SMALL), ("SpecResNet", SMALL | {"paper_strict": True, "beta": 0.01}),
    ("SpecResNet", SMALL | {"blocks": 2, "spectral_stages": 3, "beta": [0.1, 0.2, 0.3], "batch_norm": "pool"}),
]  # fmt: skip


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")


def made(rng, name, settings, dtype=np.float32):
    """A net with biases that are not zero, and images for it."""
    net = getattr(models, name)(dtype=dtype, **settings)
    state = net.state_dict()
    for key in state:
        if key.endswith("bias"):
            state[key] = rng.standard_normal(state[key].shape) / 10
    net.load_state_dict(state)
    channels, size = (1, 28) if "LeNet" in name else (3, 32)
    size, channels = settings.get("image_size", size), settings.get("in_channels", channels)
    return net, rng.standard_normal((size, size, 12, channels)).astype(dtype)


def maps(torch, x):
    return torch.from_numpy(x.transpose(2, 3, 0, 1).copy())


def assert_close(ours, theirs, atol):
    np.testing.assert_allclose(theirs.detach().numpy(), ours, rtol=0, atol=atol)


@pytest.mark.parametrize(("name", "settings"), NETS)
def test_the_logits_are_those_of_the_net_in_training_and_in_evaluation(torch, rng, name, settings):
    net, x = made(rng, name, settings)
    twin = sf.interop.to_torch(net)
    assert twin.training
    assert_close(net(x).numpy(), twin(maps(torch, x)), 1e-5)
    ours, theirs = net.state_dict(), twin.state_dict()
    assert ours.keys() == theirs.keys()
    for key, array in ours.items():
        assert_close(array, theirs[key], 1e-5)  # running statistics have moved alike
    twin = sf.interop.to_torch(net.eval())
    assert not twin.training
    assert_close(net(x).numpy(), twin(maps(torch, x)), 1e-5)


@pytest.mark.parametrize(("name", "settings"), [pair for pair in NETS if pair[1] in ({}, SMALL)])
def test_the_gradients_are_those_of_the_net(torch, rng, name, settings):
    net, x = made(rng, name, settings, np.float64)
    labels, twin = np.arange(12) % 10, sf.interop.to_torch(net)
    with sf.Tape() as tape:
        loss = ops.cross_entropy(net(x), labels)
    tape.backward(loss)
    torch.nn.functional.cross_entropy(twin(maps(torch, x)), torch.from_numpy(labels)).backward()
    theirs = dict(twin.named_parameters())
    for key, parameter in net.named_parameters():
        assert_close(parameter.grad, theirs.pop(key).grad, 1e-8 * abs(parameter.grad).max())
    assert not theirs


@pytest.mark.parametrize(("name", "settings"), [pair for pair in NETS if pair[1] in ({}, SMALL)])
def test_there_and_back_nothing_is_lost(torch, rng, name, settings):
    net, _ = made(rng, name, settings)
    twin = sf.interop.to_torch(net)
    other = sf.interop.from_torch(twin.state_dict(), getattr(models, name)(seed=5, **settings))
    for key, array in net.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[key], array)
    with torch.no_grad():
        next(twin.parameters()).zero_()
    assert net.parameters()[0].data.any(), "a copy: what happens to the one does not happen to the other"


def test_the_layers_of_a_sequential_are_those_of_pytorch(torch, rng):
    net = L.Sequential(
        L.Conv2d(3, 4, (3, 2), (1, 2), ((2, 1), (0, 3))), L.BatchNorm2d(4), L.ReLU(), L.MaxPool2d((3, 2), 1),
        L.Conv2d(4, 6, 4, padding="same", bias=False), ops.tanh, L.AvgPool2d(2),
        L.SpectralBlock(6, 5, 3, stride=2, convs=2), L.Identity(), L.Conv2d(5, 5, 1, padding="valid"), L.LeakyReLU(0.2),
        L.Sequential({"flat": L.Flatten(), "fc": L.Linear(5 * 3 * 2, 7)}), L.BatchNorm1d(7), L.Tanh(), L.Sigmoid(),
        L.GELU(), L.Dropout(0.4, seed=1), L.Linear(7, 3, bias=False),
    )  # fmt: skip
    net[-2].eval()
    x = rng.standard_normal((12, 13, 5, 3)).astype(np.float32)
    twin = sf.interop.to_torch(net)
    assert_close(net(x).numpy(), twin(maps(torch, x)), 1e-5)
    assert twin.state_dict().keys() == net.state_dict().keys()
    pooled = L.Sequential(L.GlobalAvgPool2d())
    assert_close(pooled(x).numpy(), sf.interop.to_torch(pooled)(maps(torch, x)), 1e-6)


def test_dropout_drops_in_training_only(torch):
    twin, ones = sf.interop.to_torch(L.Dropout(0.25, seed=1)), torch.ones(4000)
    y = twin(ones)
    assert ((y == 0) | ((y - 4 / 3).abs() < 1e-6)).all() and abs((y == 0).float().mean() - 0.25) < 0.05
    assert (twin.eval()(ones) == 1).all()


def test_weights_that_are_shared_and_frozen_stay_so(torch):
    fc = L.Linear(3, 3).requires_grad_(False)
    twin = sf.interop.to_torch(L.Sequential(fc, L.ReLU(), fc))
    assert twin[0] is twin[2] and not twin[0].weight.requires_grad


def test_bfloat16_and_views_come_in_as_the_numbers_that_they_are(torch):
    net, w = L.Linear(2, 3, bias=False), torch.arange(12.0).reshape(3, 4)[:, ::2]
    sf.interop.from_torch({"weight": w.bfloat16().requires_grad_()}, net)
    np.testing.assert_array_equal(net.weight.data, w.numpy())
    assert net.weight.dtype == np.float32


class Own(L.Module):
    pass


@pytest.mark.parametrize(
    ("what", "sentence"),
    [(L.Sequential(L.ReLU(), Own()), "no PyTorch module is known for a Own"),
     (L.Sequential(abs), "no PyTorch function is known for 'abs'"),
     (np.ones(3), "expected a Module of specframe's, got ndarray")],
)  # fmt: skip
def test_what_has_no_twin_is_named(torch, what, sentence):
    with pytest.raises(TypeError, match=rf"^to_torch: {sentence}$"):
        sf.interop.to_torch(what)


def test_features_of_a_wrong_number_of_axes_are_refused(torch):
    with pytest.raises(ValueError, match=r"^Linear: expected \(batch, 3\), got \(2, 3, 3\)$"):
        sf.interop.to_torch(L.Linear(3, 3))(torch.ones(2, 3, 3))


def test_the_twin_can_be_pickled(torch):
    net = L.Sequential(SpecLeNet5(), L.Identity(), ops.relu).eval()
    twin = pickle.loads(pickle.dumps(sf.interop.to_torch(net)))
    assert not twin.training and (twin(torch.ones(2, 1, 28, 28)) >= 0).all()


def test_the_print_shows_the_settings(torch):
    assert "(conv1): SpectralBlock(1, 6, 5, beta=0.25" in repr(sf.interop.to_torch(SpecLeNet5(beta=0.25)))
