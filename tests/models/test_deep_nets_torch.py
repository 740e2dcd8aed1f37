"""All deep nets against PyTorch: same weights, same output, same gradient of every parameter, float64."""

import pathlib
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: no independent nets to compare with")
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benchmarks"))
import torch_deep  # noqa: E402

import specframe as sf  # noqa: E402
from specframe import ops  # noqa: E402
from specframe.models import (  # noqa: E402
    VGG16,
    AlexNet,
    DenseNet,
    ResNet,
    SpecAlexNet,
    SpecDenseNet,
    SpecResNet,
    SpecVGG16,
)  # fmt: skip

WIDTH, LAYERS = 1 / 16, 3
OPTIONS = {"beta": 0.2, "activation": "tanh", "scale": 4.0}


@pytest.fixture
def data(rng):
    return rng.standard_normal((32, 32, 3, 3)), np.array([1, 2, 0])


def compare(model, peer, data):
    x, labels = data
    with sf.Tape() as tape:
        logits = model(sf.Tensor(x))
        loss = ops.softmax_cross_entropy(logits, labels)
    tape.backward(loss)
    theirs = peer(torch.tensor(x.transpose(2, 3, 0, 1).copy()))
    torch.nn.functional.cross_entropy(theirs, torch.tensor(labels)).backward()
    np.testing.assert_allclose(logits.data, theirs.detach().numpy(), rtol=0, atol=1e-8 * np.abs(logits.data).max())
    gradients = peer.gradients()
    assert gradients.keys() == dict(model.named_parameters()).keys()
    for name, parameter in model.named_parameters():
        scale = np.abs(gradients[name]).max()
        np.testing.assert_allclose(parameter.grad, gradients[name], rtol=0, atol=1e-8 * scale, err_msg=name)
    for name, buffer in peer.named_buffers():
        np.testing.assert_allclose(model.state_dict()[name.replace("/", ".")], buffer.numpy(), rtol=1e-8, err_msg=name)


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize(
    ("net", "peer"),
    [(AlexNet, torch_deep.TorchAlexNet), (VGG16, torch_deep.TorchVGG16),
     (DenseNet, lambda state: torch_deep.TorchDenseNet(state, 6)), (ResNet, lambda s: torch_deep.TorchResNet(s, 3))],
)  # fmt: skip
def test_spatial_nets(net, peer, batch_norm, data):
    model = net(width=WIDTH, batch_norm=batch_norm, dtype=np.float64)
    compare(model, peer(model.state_dict()), data)


@pytest.mark.parametrize("batch_norm", ["pool", "spectral", "none"])
@pytest.mark.parametrize("activation", ["tanh", "hardtanh"])
def test_specvgg16(batch_norm, activation, data):
    options = OPTIONS | {"activation": activation}
    model = SpecVGG16(width=WIDTH, batch_norm=batch_norm, spectral_stages=3, dtype=np.float64, **options)
    grids = [(32, 32), (16, 16), (8, 8)]
    compare(model, torch_deep.TorchVGG16(model.state_dict(), grids, spectral=options, rectify=True), data)


@pytest.mark.parametrize("batch_norm", ["pool", "spectral", "none"])
@pytest.mark.parametrize(
    ("grid", "grids"),
    [("circular", [(32, 32), (5, 5), (3, 3), (3, 3), (3, 3)]), ("fast", [(48, 48), (8, 8), (4, 4), (4, 4), (4, 4)])],
)
@pytest.mark.parametrize("stages", [2, 5])
def test_specalexnet(batch_norm, grid, grids, stages, data):
    options = {"batch_norm": batch_norm, "grid": grid, "spectral_stages": stages} | OPTIONS
    model = SpecAlexNet(width=WIDTH, dtype=np.float64, **options)
    peer = torch_deep.TorchAlexNet(model.state_dict(), grids[:stages], spectral=OPTIONS, rectify=True)
    compare(model, peer, data)


@pytest.mark.parametrize("batch_norm", ["pool", "spectral", "none"])
@pytest.mark.parametrize(("grid", "grids"), [("paper", [(35, 35), (19, 19)]), ("circular", [(32, 32), (16, 16)])])
@pytest.mark.parametrize("back", [{"return_every": 1, "rectify": True}, {"return_every": 2, "rectify": False}])
def test_specdensenet(batch_norm, grid, grids, back, data):
    options = {"width": WIDTH, "layers": LAYERS, "dtype": np.float64} | OPTIONS | back
    model = SpecDenseNet(batch_norm=batch_norm, grid=grid, **options)
    compare(model, torch_deep.TorchDenseNet(model.state_dict(), LAYERS, grids, spectral=OPTIONS, **back), data)


@pytest.mark.parametrize("batch_norm", ["pool", "spectral", "none"])
@pytest.mark.parametrize(("grid", "grids"), [("paper", [35, 35, 35, 36, 19, 20, 11]), ("circular", [32] * 4 + [16])])
def test_specresnet(batch_norm, grid, grids, data):
    """Two blocks a stage; a stride makes the grid of its block even."""
    stages = 3 if len(grids) == 7 else 2
    options = {"blocks": 2, "spectral_stages": stages, "grid": grid, "batch_norm": batch_norm, "width": 1 / 8}
    model = SpecResNet(dtype=np.float64, **options, **OPTIONS)
    grids = [(n, n) for n in grids]
    compare(model, torch_deep.TorchResNet(model.state_dict(), 2, grids, spectral=OPTIONS, rectify=True), data)


def test_the_paper_strict_nets(data):
    options = {"beta": 0.2, "activation": "tanh", "scale": 1.0}
    model = SpecVGG16(width=WIDTH, beta=0.2, paper_strict=True, dtype=np.float64)
    grids = [(n + 3, n + 3) for n in (32, 16, 8, 4, 2)]
    compare(model, torch_deep.TorchVGG16(model.state_dict(), grids, spectral=options), data)
    model = SpecDenseNet(width=WIDTH, beta=0.2, paper_strict=True, dtype=np.float64)
    compare(model, torch_deep.TorchDenseNet(model.state_dict(), 6, [(35, 35), (19, 19)], spectral=options), data)
    model = SpecResNet(width=WIDTH, blocks=1, beta=0.01, paper_strict=True, dtype=np.float64)
    grids = [(n, n) for n in (35, 35, 36, 20)]
    peer = torch_deep.TorchResNet(model.state_dict(), 1, grids, spectral=options | {"beta": 0.01})
    compare(model, peer, data)
    model = SpecAlexNet(width=WIDTH, beta=0.2, paper_strict=True, dtype=np.float64)
    grids = [(36, 36), (7, 7), (5, 5), (5, 5), (5, 5)]
    compare(model, torch_deep.TorchAlexNet(model.state_dict(), grids, spectral=options), data)
