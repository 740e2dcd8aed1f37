"""The names that people type of layers, optimisers and data: one row a name, each against PyTorch's of that name.

A row is what is typed here and in PyTorch; SAME is the very same text.
"""

import numpy as np
import pytest

import specframe as sf
from specframe import data, layers, optim

torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")

SAME = "the same text"
MAPS = np.random.default_rng(0).standard_normal((6, 5, 2, 4))  # (rows, cols, batch, channels)
FEATURES = np.random.default_rng(1).standard_normal((3, 4))
NUMBERS = np.array([[1, 0, 4], [2, 2, 0]])

LAYERS = [
    # typed here                                            in PyTorch, with the same weights         on
    ("nn.Linear(4, 2)",                                     SAME,                                     FEATURES),
    ("nn.Linear(4, 2, bias=False)",                         SAME,                                     FEATURES),
    ("nn.Embedding(5, 3)",                                  SAME,                                     NUMBERS),
    ("nn.LayerNorm(4)",                                     SAME,                                     FEATURES),
    ("nn.LayerNorm((3, 4))",                                SAME,                                     FEATURES),
    ("nn.BatchNorm1d(4)",                                   SAME,                                     FEATURES),
    ("nn.BatchNorm2d(4)",                                   SAME,                                     MAPS),
    ("nn.Conv2d(4, 3, 3)",                                  SAME,                                     MAPS),
    ("nn.Conv2d(4, 3, (3, 2), 2, (1, 0))",                  SAME,                                     MAPS),
    ("nn.Conv2d(4, 3, 3, padding='same', bias=False)",      SAME,                                     MAPS),
    ("nn.MaxPool2d(2)",                                     SAME,                                     MAPS),
    ("nn.MaxPool2d((3, 2), stride=(1, 2))",                 SAME,                                     MAPS),
    ("nn.AvgPool2d((2, 3))",                                SAME,                                     MAPS),
    ("nn.GlobalAvgPool2d()",    "nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())",               MAPS),
    ("nn.Flatten()",                                        SAME,                                     MAPS),
    ("nn.Identity()",                                       SAME,                                     MAPS),
    ("nn.ReLU()",                                           SAME,                                     MAPS),
    ("nn.LeakyReLU()",                                      SAME,                                     MAPS),
    ("nn.LeakyReLU(0.2)",                                   SAME,                                     MAPS),
    ("nn.Sigmoid()",                                        SAME,                                     MAPS),
    ("nn.Tanh()",                                           SAME,                                     MAPS),
    ("nn.GELU()",                                           SAME,                                     MAPS),
    ("nn.Dropout(0.5).eval()",                              SAME,                                     MAPS),
    ("nn.Sequential(nn.Linear(4, 3), nn.Tanh())",           SAME,                                     FEATURES),
    ("nn.ModuleList([nn.Tanh(), nn.Linear(4, 2)])[1]",      SAME,                                     FEATURES),
    ("nn.ModuleDict({'a': nn.Linear(4, 2)})['a']",          SAME,                                     FEATURES),
]  # fmt: skip


def double(module):
    """Of ours in float64, by the dtype of its weights and buffers."""
    for parameter in module.parameters():
        parameter.data = parameter.data.astype(np.float64)
    for _, owner, name in module.buffer_places():
        if getattr(owner, name).dtype == np.float32:
            setattr(owner, name, getattr(owner, name).astype(np.float64))
    return module


def twins(ours, theirs):
    """Both modules in float64, with the weights of ours."""
    mine = double(eval(ours, {"nn": layers}))
    other = eval(ours if theirs is SAME else theirs, {"nn": torch.nn}).double()
    other.load_state_dict({name: torch.tensor(array) for name, array in mine.state_dict().items()}, strict=False)
    return mine, other


@pytest.mark.parametrize("row", LAYERS, ids=lambda row: row[0])
def test_a_layer_is_pytorchs(row):
    ours, theirs, x = row
    mine, other = twins(ours, theirs)
    given = torch.tensor(x.transpose(2, 3, 0, 1) if x.ndim == 4 else x)
    expected = other(given).detach().numpy()
    np.testing.assert_allclose(
        mine(x).numpy(), expected.transpose(2, 3, 0, 1) if expected.ndim == 4 else expected, rtol=1e-9, atol=1e-12
    )


NET = "nn.Sequential(nn.Linear(4, 3), nn.Sequential(nn.LayerNorm(3), nn.ReLU()), nn.Linear(3, 2))"
METHODS = [
    # typed here                                                PyTorch
    ("len(net)",                                                SAME),
    ("[type(part).__name__ for part in net]",                   SAME),
    ("type(net[1][0]).__name__",                                SAME),
    ("[name for name, _ in net.named_parameters()]",            SAME),
    ("[name for name, _ in net.named_modules()]",               SAME),
    ("[name for name, _ in net.named_children()]",              SAME),
    ("[type(part).__name__ for part in net.modules()]",         SAME),
    ("[type(part).__name__ for part in net.children()]",        SAME),
    ("[tuple(p.shape) for p in net.parameters()]",              SAME),
    ("net.num_parameters()",                                    "sum(p.numel() for p in net.parameters())"),
    ("list(net.state_dict())",                                  SAME),
    ("net.load_state_dict({'0.bias': net.state_dict()['0.bias'], 'b': None}, strict=False).missing_keys", SAME),
    ("net.load_state_dict({'0.bias': net.state_dict()['0.bias'], 'b': None}, strict=False).unexpected_keys", SAME),
    ("[part.training for part in net.eval().modules()]",        SAME),
    ("[part.training for part in net.train().modules()]",       SAME),
    ("[p.requires_grad for p in net.requires_grad_(False).parameters()]", SAME),
    ("net.zero_grad() or [p.grad for p in net.parameters()]",   SAME),
    ("net.apply(print) is net",                                 SAME),
    ("net.to('cpu') is net",                                    SAME),
]  # fmt: skip


@pytest.mark.parametrize("row", METHODS, ids=lambda row: row[0])
def test_a_method_of_a_module_is_pytorchs(row):
    mine, other = twins(NET, SAME)
    assert eval(row[0], {"net": mine}) == eval(row[0] if row[1] is SAME else row[1], {"net": other})


OPTIMISERS = [
    ("optim.SGD(params, lr=0.1)",                               SAME),
    ("optim.SGD(params, 0.1, momentum=0.9, nesterov=True)",     SAME),
    ("optim.Adam(params)",                                      SAME),
    ("optim.Adam(params, lr=0.1, betas=(0.5, 0.9))",            SAME),
    ("optim.AdamW(params, lr=0.1, weight_decay=0.1)",           SAME),
    ("optim.RMSprop(params, lr=0.1, alpha=0.9, momentum=0.5)",  SAME),
    ("optim.SGD([{'params': params[:1], 'lr': 0.5}, {'params': params[1:]}], lr=0.1)", SAME),
]  # fmt: skip
STEPS = [
    ("optim.StepLR(o, 2, gamma=0.5)",                           "lr.StepLR(o, 2, gamma=0.5)"),
    ("optim.MultiStepLR(o, [2, 4], gamma=0.1)",                 "lr.MultiStepLR(o, [2, 4], gamma=0.1)"),
    ("optim.CosineLR(o, 8)",                                    "lr.CosineAnnealingLR(o, 8)"),
    ("optim.LinearWarmup(o, 4)",                                "lr.LinearLR(o, 0.25, total_iters=3)"),
    ("optim.ConstantLR(o)",                                     "lr.ConstantLR(o, 1.0)"),
    ("optim.OneCycleLR(o, 8)", "lr.OneCycleLR(o, 0.4, 8, cycle_momentum=False, final_div_factor=400)"),
    ("optim.ReduceOnPlateau(o, 0.5, patience=1)",               "lr.ReduceLROnPlateau(o, 'min', 0.5, patience=1)"),
]  # fmt: skip
LOSSES = [3.0, 2.0, 2.0, 2.5, 2.0, 1.9, 2.0, 2.0]


def parameters():
    """Two parameters with gradients, of ours and of PyTorch's."""
    rng = np.random.default_rng(2)
    arrays = [(rng.standard_normal(shape), rng.standard_normal(shape)) for shape in ((3, 2), (4,))]
    ours, theirs = [sf.Parameter(w.copy()) for w, _ in arrays], [torch.nn.Parameter(torch.tensor(w)) for w, _ in arrays]
    for mine, other, (_, g) in zip(ours, theirs, arrays, strict=True):
        mine.grad, other.grad = g, torch.tensor(g)
    return ours, theirs


@pytest.mark.parametrize("row", OPTIMISERS, ids=lambda row: row[0])
def test_an_optimiser_is_pytorchs(row):
    ours, theirs = parameters()
    mine = eval(row[0], {"optim": optim, "params": ours})
    other = eval(row[0] if row[1] is SAME else row[1], {"optim": torch.optim, "params": theirs})
    for _ in range(30):
        mine.step()
        other.step()
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=1e-12, atol=1e-12)
    mine.zero_grad()
    other.zero_grad()
    assert [p.grad for p in ours] == [p.grad for p in theirs] == [None, None]


@pytest.mark.parametrize("row", STEPS, ids=lambda row: row[0])
def test_a_schedule_is_pytorchs(row):
    ours, theirs = parameters()
    mine, other = optim.SGD(ours, lr=0.4), torch.optim.SGD(theirs, lr=0.4)
    schedule = eval(row[0], {"optim": optim, "o": mine})
    peer = eval(row[1], {"lr": torch.optim.lr_scheduler, "o": other})
    for loss in LOSSES:
        assert mine.param_groups[0]["lr"] == pytest.approx(other.param_groups[0]["lr"], rel=1e-12)
        if loss is not LOSSES[-1]:  # PyTorch's cycle has no step after its last
            other.step()
            for each in (schedule, peer):
                each.step(loss) if "Plateau" in row[0] else each.step()


def test_clipping_is_pytorchs():
    ours, theirs = parameters()
    norm = optim.clip_grad_norm(ours, 0.5)
    assert norm == pytest.approx(torch.nn.utils.clip_grad_norm_(theirs, 0.5).item(), rel=1e-12)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.grad, b.grad.numpy(), rtol=1e-9)


IMAGES, LABELS = np.arange(40, dtype=np.float32).reshape(10, 1, 2, 2), np.arange(10) % 3
DATA = [
    ("len(d)",                                      SAME),
    ("int(d[3][1])",                                SAME),
    ("d[-1][0].tolist()",                           SAME),
    ("[int(label) for _, label in d]",              SAME),
    ("[len(part) for part in d.split(7)]",          "[len(part) for part in data.random_split(d, [7, 3])]"),
    ("[len(part) for part in d.split(0.8)]",        "[len(part) for part in data.random_split(d, [0.8, 0.2])]"),
    ("len(data.concat(d, d))",                      "len(data.ConcatDataset([d, d]))"),
    ("int(data.concat(d, d)[13][1])",               "int(data.ConcatDataset([d, d])[13][1])"),
    ("len(data.DataLoader(d, batch_size=4))",       SAME),
    ("[y.tolist() for _, y in data.DataLoader(d, 4).epoch(0)]", "[y.tolist() for _, y in data.DataLoader(d, 4)]"),
]  # fmt: skip


@pytest.mark.parametrize("row", DATA, ids=lambda row: row[0])
def test_a_data_set_is_pytorchs(row):
    from torch.utils import data as theirs

    ours = data.Dataset(IMAGES, LABELS)
    other = theirs.TensorDataset(torch.tensor(IMAGES), torch.tensor(LABELS))
    assert eval(row[0], {"data": data, "d": ours}) == eval(
        row[0] if row[1] is SAME else row[1], {"data": theirs, "d": other}
    )


# ---- no name is missing ------------------------------------------------------------------------------------------

OURS_ALONE = {"Checkpoint", "Module", "Parameter", "SpectralBatchNorm2d", "SpectralBlock", "SpectralConv2d",
              "SpectralLayer", "SplitActivation", "SplitTanh", "Threshold"}  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(layers.__all__) - OURS_ALONE))
def test_every_layer_has_a_row(name):
    assert any(f"nn.{name}(" in row[0] for row in LAYERS)


@pytest.mark.parametrize("name", sorted(set(optim.__all__) - {"Optimizer", "Schedule", "clip_grad_norm"}))
def test_every_optimiser_and_schedule_has_a_row(name):
    assert any(f"optim.{name}(" in row[0] for row in OPTIMISERS + STEPS)


@pytest.mark.parametrize("name", "MNIST FashionMNIST KMNIST CIFAR10 CIFAR100 SVHN ImageFolder concat".split())
def test_data_sets_that_are_tested_elsewhere_are_here(name):
    assert callable(getattr(data, name)) and name in data.__all__
