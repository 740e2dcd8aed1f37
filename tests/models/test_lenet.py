"""LeNet-5 and its spectral twin: shapes, gradients of the whole nets, and the same ones from every store."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from specframe.models import LeNet5, SpecLeNet5
from tests.kit.oracles import conv2d_loops, max_pool_loops
from tests.ops.common import clear_beta, normal

NETS = [LeNet5, SpecLeNet5]
STORES = ["dense", "csr", "mask", "auto"]


def loss_of_parameters(model, x, labels):
    """A function of the parameters, in the model's order: the loss of a batch."""
    places = []
    for name, _ in model.named_parameters():
        layer, attribute = name.split(".")
        places.append((getattr(model, layer), attribute))

    def loss(*tensors):
        for (layer, attribute), tensor in zip(places, tensors, strict=True):
            setattr(layer, attribute, tensor)
        return ops.softmax_cross_entropy(model(x), labels)

    return loss


def batch(be, rng, size, count=2, channels=1, dtype=np.float64):
    x = normal(rng, (size, size, count, channels), dtype)
    return Tensor(be.asarray(x)), be.asarray(np.arange(count) * 3 % 10)


def keep_clear_of_the_threshold(model, x):
    """Give each block a beta that no entry of its spectrum is near."""
    for block in (model.conv1, model.conv2):
        wanted, block.beta = block.beta, 0.0
        block.scale, scale = 1e12, block.scale  # Z is Y
        Y = block.spectrum(x).numpy()
        block.beta, block.scale = clear_beta(Y, wanted), scale
        x = model.pool(block(x))


def step(model, x, labels, **options):
    """Loss, gradients by name and the ledger of one training step."""
    for parameter in model.parameters():
        parameter.grad = None
    with Tape(**options) as tape:
        loss = ops.softmax_cross_entropy(model(x), labels)
    tape.backward(loss)
    to_host = loss.backend.to_host
    return loss.item(), {name: to_host(p.grad) for name, p in model.named_parameters()}, tape.ledger


# ---- shapes and values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("net", NETS)
def test_the_parameters_are_those_of_the_paper_s_net(net):
    shapes = {name: array.shape for name, array in net().state_dict().items()}
    assert shapes == {
        "conv1.weight": (6, 1, 5, 5), "conv1.bias": (6,), "conv2.weight": (16, 6, 5, 5), "conv2.bias": (16,),
        "fc1.weight": (120, 784), "fc1.bias": (120,), "fc2.weight": (84, 120), "fc2.bias": (84,),
        "fc3.weight": (10, 84), "fc3.bias": (10,),
    }  # fmt: skip


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize(("size", "channels", "classes", "count"), [(28, 1, 10, 2), (8, 3, 4, 1), (12, 1, 2, 3)])
def test_logits_of_any_size_of_image(be, rng, net, size, channels, classes, count):
    x, _ = batch(be, rng, size, count, channels, np.float32)
    logits = net(channels, classes, size).to(be)(x)
    assert logits.shape == (count, classes) and logits.dtype == np.float32


def test_twins_of_one_seed_start_equal_and_other_seeds_differ():
    spatial, spectral, other = LeNet5(seed=3).state_dict(), SpecLeNet5(seed=3).state_dict(), LeNet5(seed=4).state_dict()
    for name, array in spatial.items():
        np.testing.assert_array_equal(array, spectral[name])
        assert name.endswith("bias") or (array != other[name]).any()


def test_lenet5_is_what_its_docstring_says(be, rng):
    model = LeNet5(dtype=np.float64).to(be)
    x, _ = batch(be, rng, 28, 1)
    state, h = model.state_dict(), x.numpy()
    for conv in ("conv1", "conv2"):
        h = np.tanh(conv2d_loops(h, state[f"{conv}.weight"], state[f"{conv}.bias"], padding="same"))
        h, _ = max_pool_loops(h)
    h = h.transpose(2, 3, 0, 1).reshape(1, 784)  # features: channels, rows, columns
    for fc in ("fc1", "fc2"):
        h = np.tanh(h @ state[f"{fc}.weight"].T + state[f"{fc}.bias"])
    expected = h @ state["fc3.weight"].T + state["fc3.bias"]
    np.testing.assert_allclose(model(x).numpy(), expected, rtol=1e-10, atol=1e-12)


def test_without_threshold_and_saturation_the_spectral_net_has_the_spatial_convolutions(be, rng):
    model = SpecLeNet5(image_size=12, beta=0.0, scale=1e6, grid="same", dtype=np.float64).to(be)
    x, _ = batch(be, rng, 12)
    state, h = model.state_dict(), x.numpy()
    for conv in ("conv1", "conv2"):
        h, _ = max_pool_loops(conv2d_loops(h, state[f"{conv}.weight"], state[f"{conv}.bias"], padding="same"))
    np.testing.assert_allclose(model.features(x).numpy(), h, rtol=0, atol=1e-9)


# ---- gradients -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", ["dense", "auto"])
def test_gradients_of_lenet5(be, rng, store):
    model = LeNet5(image_size=12, dtype=np.float64).to(be)
    x, labels = batch(be, rng, 12)
    parameters = [parameter.data for parameter in model.parameters()]
    gradcheck(loss_of_parameters(model, x, labels), *parameters, store=store, directions=1)


@pytest.mark.parametrize("recompute", [None, "block"])
@pytest.mark.parametrize(("grid", "scale", "beta"), [("fast", 1.0, 0.5), ("same", 4.0, 1.0)])
def test_gradients_of_speclenet5(be, rng, grid, scale, beta, recompute):
    model = SpecLeNet5(image_size=12, beta=beta, scale=scale, grid=grid, dtype=np.float64).to(be)
    x, labels = batch(be, rng, 12)
    keep_clear_of_the_threshold(model, x)
    parameters = [parameter.data for parameter in model.parameters()]
    gradcheck(loss_of_parameters(model, x, labels), *parameters, recompute=recompute, directions=1)


@pytest.mark.parametrize("net", NETS)
def test_gradient_of_the_images(be, rng, net):
    model = net(image_size=12, dtype=np.float64).to(be)
    x, labels = batch(be, rng, 12)
    if net is SpecLeNet5:
        keep_clear_of_the_threshold(model, x)
    gradcheck(lambda x: ops.softmax_cross_entropy(model(x), labels), x.data)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("recompute", [None, "block"])
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize(("dtype", "accepted"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_every_store_gives_the_gradients_of_the_dense_one(be, rng, net, dtype, accepted, store, recompute):
    model = net(image_size=16, dtype=dtype).to(be)
    x, labels = batch(be, rng, 16, 4, dtype=dtype)
    loss, dense, _ = step(model, x, labels, store="dense")
    again, gradients, _ = step(model, x, labels, store=store, recompute=recompute)
    assert again == loss
    for name, gradient in gradients.items():
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, dense[name], rtol=0, atol=accepted * abs(dense[name]).max(), err_msg=name)


@pytest.mark.parametrize("store", STORES)
def test_a_net_whose_threshold_drops_everything_still_gets_gradients(be, rng, store):
    model = SpecLeNet5(image_size=12, beta=1e6, dtype=np.float64).to(be)
    x, labels = batch(be, rng, 12)
    loss, gradients, _ = step(model, x, labels, store=store)
    assert loss == pytest.approx(np.log(10))  # every feature is zero, and so are the logits
    assert not any(gradients[name].any() for name in gradients if name.startswith("conv"))
    assert gradients["fc3.bias"].any()


# ---- bytes -----------------------------------------------------------------------------------------------------


def test_a_thresholded_net_saves_less_in_sparse_formats_and_less_again_by_recomputing(be, rng):
    model = SpecLeNet5().to(be)
    x, labels = batch(be, rng, 28, 8, dtype=np.float32)
    dense, auto, block = (
        step(model, x, labels, store=store, recompute=recompute)[2].nbytes
        for store, recompute in (("dense", None), ("auto", None), ("auto", "block"))
    )
    assert block < auto < dense
