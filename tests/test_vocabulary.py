"""The names that people type, one row a name: each means what NumPy's or PyTorch's of that name means.

A row is what is typed here, in NumPy and in PyTorch; SAME is the very same text, None that there is no such name.
"""

import numpy as np
import pytest
from scipy import special

import specframe as sf
from specframe import ops
from specframe.methods import Methods

SAME = "the same text"
X = np.array([[1.0, -2.0, 3.0, 0.5], [4.0, 0.0, 3.0, 4.0], [-1.0, 2.0, 0.25, -3.0]])
Y = np.linspace(0.5, 6.0, 12).reshape(3, 4)
W = np.arange(8.0).reshape(4, 2) - 3
INDEX, LABELS = np.array([2, 0, 2]), np.array([1, 0, 3])

METHODS = [
    # typed here                        NumPy                               PyTorch
    ("x.sum()",                         SAME,                               SAME),
    ("x.sum(axis=1)",                   SAME,                               SAME),
    ("x.sum(axis=(0, 1))",              SAME,                               SAME),
    ("x.mean(axis=0, keepdims=True)",   SAME,                               SAME),
    ("x.max()",                         SAME,                               SAME),
    ("x.max(axis=1)",                   SAME,                               "x.amax(axis=1)"),
    ("x.min(axis=0)",                   SAME,                               "x.amin(axis=0)"),
    ("x.var()",                         SAME,                               "x.var(correction=0)"),
    ("x.var(axis=0, correction=1)",     "x.var(axis=0, ddof=1)",            SAME),
    ("x.argmax()",                      SAME,                               SAME),
    ("x.argmax(axis=1)",                SAME,                               SAME),
    ("x.reshape(2, -1)",                SAME,                               SAME),
    ("x.reshape((2, -1))",              SAME,                               SAME),
    ("x.transpose(1, 0)",               SAME,                               SAME),
    ("x[None].transpose(1, 2, 0)",      SAME,                               "x[None].permute(1, 2, 0)"),
    ("x[None].transpose(-2, -1)",       "x[None].swapaxes(-2, -1)",         SAME),
    ("x.T",                             SAME,                               SAME),
    ("x.flatten()",                     SAME,                               SAME),
    ("x[None].flatten(1)",              None,                               SAME),
    ("x[:1, None].squeeze()",           SAME,                               SAME),
    ("x[:, :1].squeeze(axis=1)",        SAME,                               SAME),
    ("x[1]",                            SAME,                               SAME),
    ("x[-1, 2]",                        SAME,                               SAME),
    ("x[1:, ::2]",                      SAME,                               SAME),
    ("x[..., 0]",                       SAME,                               SAME),
    ("x[:, None]",                      SAME,                               SAME),
    ("x[i]",                            SAME,                               SAME),
    ("x[i, 1:]",                        SAME,                               SAME),
    ("x[i, i]",                         SAME,                               SAME),
    ("x[[2, 0]]",                       SAME,                               SAME),
    ("x[x > 1]",                        SAME,                               SAME),
    ("x @ w",                           SAME,                               SAME),
    ("x[0] @ w",                        SAME,                               SAME),
    ("x[None] @ w",                     SAME,                               SAME),
    ("x.abs()",                         "abs(x)",                           SAME),
    ("abs(x)",                          SAME,                               SAME),
    ("y.exp()",                         "np.exp(y)",                        SAME),
    ("y.log()",                         "np.log(y)",                        SAME),
    ("y.sqrt()",                        "np.sqrt(y)",                       SAME),
    ("x.tanh()",                        "np.tanh(x)",                       SAME),
    ("x.relu()",                        "np.maximum(x, 0)",                 SAME),
    ("x.clip(-1, 2)",                   SAME,                               SAME),
    ("x.clip(min=0)",                   SAME,                               SAME),
    ("x.clone()",                       "x.copy()",                         SAME),
    ("x.detach()",                      None,                               SAME),
    ("x.astype(np.float32)",            SAME,                               "x.to(torch.float32)"),
    ("x.to('cpu')",                     None,                               SAME),
    ("x.numpy()",                       "x",                                SAME),
    ("x.tolist()",                      SAME,                               SAME),
    ("x[0, 1].item()",                  SAME,                               SAME),
    ("float(x[0, 1])",                  SAME,                               SAME),
    ("int(x[0, 1])",                    SAME,                               SAME),
    ("bool(x[0, 1] > 0)",               SAME,                               SAME),
    ("bool(x[0, 1])",                   SAME,                               SAME),
    ("f'{x[0, 1]:.3f}'",                SAME,                               SAME),
    ("len(x)",                          SAME,                               SAME),
    ("[row.sum().item() for row in x]", SAME,                               SAME),
    ("x == 3",                          SAME,                               SAME),
    ("x != y",                          SAME,                               SAME),
    ("x < y",                           SAME,                               SAME),
    ("x <= y",                          SAME,                               SAME),
    ("x > 0",                           SAME,                               SAME),
    ("x >= 3",                          SAME,                               SAME),
    ("2 >= x",                          SAME,                               SAME),
    ("1 + x - y * 2 / y",               SAME,                               SAME),
    ("2 - 1 / y",                       SAME,                               SAME),
    ("w.T @ x.T",                       SAME,                               SAME),
    ("np.ones((2, 3)) @ x",             SAME,                               None),
    ("-x ** 2",                         SAME,                               SAME),
    ("x.shape",                         SAME,                               "tuple(x.shape)"),
    ("x.ndim",                          SAME,                               SAME),
    ("np.asarray(x)",                   SAME,                               SAME),
    ("np.argmax(x)",                    SAME,                               None),
    ("repr(x)[6:].split()",             "repr(x)[5:].split()",              None),  # after "Tensor" and "array"
]  # fmt: skip

OPS = [
    ("ops.exp(y)",                      "np.exp(y)",                        "torch.exp(y)"),
    ("ops.log(y)",                      "np.log(y)",                        "torch.log(y)"),
    ("ops.sqrt(y)",                     "np.sqrt(y)",                       "torch.sqrt(y)"),
    ("ops.abs(x)",                      "np.abs(x)",                        "torch.abs(x)"),
    ("ops.maximum(x, y)",               "np.maximum(x, y)",                 "torch.maximum(x, y)"),
    ("ops.minimum(x, y[0])",            "np.minimum(x, y[0])",              "torch.minimum(x, y[0])"),
    ("ops.clip(x, -1, 1)",              "np.clip(x, -1, 1)",                "torch.clip(x, -1, 1)"),
    ("ops.matmul(x[None], w)",          "np.matmul(x[None], w)",            "torch.matmul(x[None], w)"),
    ("ops.getitem(x, (i, 0))",          "x[i, 0]",                          "x[i, 0]"),
    ("ops.stack([x, y], axis=1)",       "np.stack([x, y], axis=1)",         "torch.stack([x, y], axis=1)"),
    ("ops.concatenate([x, y], axis=0)", "np.concatenate([x, y], axis=0)",   "torch.concatenate([x, y], axis=0)"),
    ("ops.pad(x, ((0, 0), (1, 2)))",    "np.pad(x, ((0, 0), (1, 2)))",      "F.pad(x, (1, 2))"),
    ("ops.transpose(x, (1, 0))",        "np.transpose(x, (1, 0))",          "torch.permute(x, (1, 0))"),
    ("ops.reshape(x, (2, -1))",         "np.reshape(x, (2, -1))",           "torch.reshape(x, (2, -1))"),
    ("ops.squeeze(x[None], axis=0)",    "np.squeeze(x[None], axis=0)",      "torch.squeeze(x[None], axis=0)"),
    ("ops.flatten(x)",                  "np.ravel(x)",                      "torch.flatten(x)"),
    ("ops.sum(x, axis=1, keepdims=1)",  "np.sum(x, axis=1, keepdims=1)",    "torch.sum(x, axis=1, keepdims=True)"),
    ("ops.mean(x, axis=(0, 1))",        "np.mean(x, axis=(0, 1))",          "torch.mean(x, axis=(0, 1))"),
    ("ops.max(x, axis=1)",              "np.max(x, axis=1)",                "torch.amax(x, axis=1)"),
    ("ops.min(x, axis=1)",              "np.min(x, axis=1)",                "torch.amin(x, axis=1)"),
    ("ops.argmax(x, axis=0)",           "np.argmax(x, axis=0)",             "torch.argmax(x, axis=0)"),
    ("ops.var(x, axis=0)",              "np.var(x, axis=0)",                "torch.var(x, axis=0, correction=0)"),
    ("ops.softmax(x, axis=-1)",         "special.softmax(x, axis=-1)",      "torch.softmax(x, axis=-1)"),
    ("ops.log_softmax(x, axis=0)",      "special.log_softmax(x, axis=0)",   "torch.log_softmax(x, axis=0)"),
    ("ops.sigmoid(x)",                  "special.expit(x)",                 "torch.sigmoid(x)"),
    ("ops.gelu(x)",                     "x * special.ndtr(x)",              "F.gelu(x)"),
    ("ops.mse_loss(x, y)",              "np.mean((x - y) ** 2)",            "F.mse_loss(x, y)"),
    ("ops.cross_entropy(x, t)",         None,                               "F.cross_entropy(x, t)"),
    ("ops.layer_norm(x, y[0], y[1])",   None,                               "F.layer_norm(x, (4,), y[0], y[1])"),
    ("ops.embedding(i, x)",             "x[i]",                             "F.embedding(i, x)"),
    ("ops.convert(x, dtype='f4')",      "x.astype('f4')",                   "x.float()"),
    ("ops.detach(x)",                   None,                               "x.detach()"),
]  # fmt: skip

MAKERS = [
    ("sf.zeros(2, 3)",                  "np.zeros((2, 3), np.float32)",     "torch.zeros(2, 3)"),
    ("sf.ones((2, 3))",                 "np.ones((2, 3), np.float32)",      "torch.ones((2, 3))"),
    ("sf.full((2, 3), 0.5)",            "np.full((2, 3), 0.5, np.float32)", "torch.full((2, 3), 0.5)"),
    ("sf.full((2,), 3)",                "np.full((2,), 3)",                 "torch.full((2,), 3)"),
    ("sf.arange(5)",                    "np.arange(5)",                     "torch.arange(5)"),
    ("sf.arange(1, 3, 0.5)",            "np.arange(1, 3, 0.5, np.float32)", "torch.arange(1, 3, 0.5)"),
    ("sf.tensor([1, 2])",               "np.array([1, 2])",                 "torch.tensor([1, 2])"),
    ("sf.tensor(np.ones(2))",           "np.ones(2)",                       "torch.tensor(np.ones(2))"),
    ("sf.from_dlpack(np.ones(2))",      "np.from_dlpack(np.ones(2))",       "torch.from_dlpack(np.ones(2))"),
    ("sf.randn(2, 3).shape",            "(2, 3)",                           "tuple(torch.randn(2, 3).shape)"),
    ("sf.rand(2, 3).shape",             "(2, 3)",                           "tuple(torch.rand(2, 3).shape)"),
]  # fmt: skip
ROWS = METHODS + OPS + MAKERS


def plain(value):
    """An array, or what is no tensor as it is."""
    value = value.numpy() if hasattr(value, "numpy") else value
    return np.asarray(value) if isinstance(value, np.generic) else value


def assert_same(ours, theirs):
    ours, theirs = plain(ours), plain(theirs)
    if not isinstance(theirs, np.ndarray):
        assert type(ours) is type(theirs) and ours == theirs
    else:
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def ours(text):
    names = {"x": sf.Tensor(X), "y": sf.Tensor(Y), "w": sf.Tensor(W), "i": INDEX, "t": LABELS}
    return eval(text, {"sf": sf, "ops": ops, "np": np} | names)


@pytest.mark.parametrize("row", [row for row in ROWS if row[1]], ids=lambda row: row[0])
def test_it_means_what_numpys_means(row):
    text = row[0] if row[1] is SAME else row[1]
    names = {"x": X, "y": Y, "w": W, "i": INDEX}
    assert_same(ours(row[0]), eval(text, {"np": np, "special": special} | names))


@pytest.mark.parametrize("row", [row for row in ROWS if row[2]], ids=lambda row: row[0])
def test_it_means_what_pytorchs_means(row):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (pip install -e '.[oracle]')")
    text = row[0] if row[2] is SAME else row[2]
    names = {"x": X, "y": Y, "w": W, "i": INDEX, "t": LABELS}
    names = {name: torch.tensor(array) for name, array in names.items()}
    assert_same(ours(row[0]), eval(text, {"np": np, "torch": torch, "F": torch.nn.functional} | names))


# ---- no name is missing ------------------------------------------------------------------------------------------

TEXTS = [row[0] for row in ROWS]


@pytest.mark.parametrize("name", [name for name in vars(Methods) if not name.startswith("_") and name != "T"])
def test_every_method_has_a_row(name):
    assert any(f".{name}(" in text for text in TEXTS)


PROMISED = """exp log sqrt abs maximum minimum clip matmul getitem stack pad transpose max min var softmax
    log_softmax sigmoid gelu mse_loss cross_entropy layer_norm embedding sum mean argmax reshape squeeze flatten
    concatenate""".split()


@pytest.mark.parametrize("name", PROMISED)
def test_every_promised_op_has_a_row(name):
    assert any(text.startswith(f"ops.{name}(") for text in TEXTS) and name in ops.__all__


@pytest.mark.parametrize("name", ["no_grad", "manual_seed", "save", "load", "Parameter", "Module"])
def test_names_that_are_tested_elsewhere_are_here(name):
    assert callable(getattr(sf, name)) and name in sf.__all__


def test_modules_and_parameters_are_those_of_layers():
    from specframe import layers

    assert sf.Module is layers.Module and sf.Parameter is layers.Parameter
    with pytest.raises(AttributeError, match=r"^module 'specframe' has no attribute 'Modul'$"):
        sf.Modul  # noqa: B018


def test_cross_entropy_is_softmax_cross_entropy():
    assert ops.cross_entropy is ops.softmax_cross_entropy
