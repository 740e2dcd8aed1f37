"""batch_norm_act2d: leaky_relu(batch_norm2d(x)) in one op, from its output alone."""

import copy

import numpy as np
import pytest

from specframe import GradcheckError, Tape, Tensor, gradcheck, ops
from specframe.fast.cpu.batch_norm2d import norm_backward
from specframe.fast.cpu.pointwise import leak
from specframe.memory import batch_norm_act2d, put_in_place
from specframe.memory.in_place_abn import BatchNormAct2d as Op
from specframe.models import VGG16, DenseNet, LeNet5
from tests.ops.common import normal, run, value

GAMMAS = {"z": [0.5, -1.5, 2.0], "z and h": [0.5, 0.0, -2.0]}  # a gamma of 0 cannot give h back
SHAPES = [(4, 5, 2, 3), (5, 3, 1, 3), (2, 4, 3, 3)]
SLOPE = 0.2


def composition(x, gamma, beta, slope=0.01, *options):
    return ops.leaky_relu(ops.batch_norm2d(x, gamma, beta, *options), slope)


def draw(rng, shape=SHAPES[0], dtype=np.float64):
    return (normal(rng, shape) * [1, 2, 0.5] + [0, 3, -1]).astype(dtype), normal(rng, 3, dtype)


def running(be, dtype=np.float64):
    return be.asarray(np.array([0.1, 2.0, -1.0], dtype)), be.asarray(np.array([1.0, 4.0, 0.3], dtype))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("saved", GAMMAS)
@pytest.mark.parametrize("shape", SHAPES)
def test_value_gradients_and_running_statistics_are_those_of_the_composition(be, rng, shape, saved, training):
    (x, beta), gamma, gy = draw(rng, shape), np.array(GAMMAS[saved]), normal(rng, shape)
    own, other = running(be), running(be)
    one, gradients = run(be, lambda *a: batch_norm_act2d(*a, SLOPE, own, training), x, gamma, beta, gy=gy)
    two, expected = run(be, lambda *a: composition(*a, SLOPE, other, training), x, gamma, beta, gy=gy)
    np.testing.assert_allclose(one, two, rtol=1e-12, atol=1e-13)
    for gradient, reference in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, reference, rtol=1e-9, atol=1e-11)
    for mine, reference in zip(own, other, strict=True):
        np.testing.assert_allclose(be.to_host(mine), be.to_host(reference), rtol=1e-13)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("saved", GAMMAS)
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_agree_with_finite_differences(be, rng, shape, saved, training):
    x, beta = draw(rng, shape)
    y = value(be, lambda *a: ops.batch_norm2d(*a, running(be), training), x, np.array(GAMMAS[saved]), beta)
    beta = beta + 1e-3 * (abs(y).min(axis=(0, 1, 2)) < 1e-4)  # no entry within a difference of the kink
    statistics = running(be)
    gradcheck(
        lambda *a: batch_norm_act2d(*a, SLOPE, None if training else statistics, training),
        *map(be.asarray, (x, np.array(GAMMAS[saved]), beta)),
    )


@pytest.mark.parametrize("slope", [1e-4, 0.01, 0.5, 1.0, 3.0])
def test_single_precision_loses_nothing_by_the_way_back_through_the_slope(be, rng, slope):
    (x, beta), gamma = draw(rng, (8, 8, 4, 3), np.float32), np.array(GAMMAS["z"], np.float32)
    gy = normal(rng, x.shape, np.float32)
    _, own = run(be, lambda *a: batch_norm_act2d(*a, slope), x, gamma, beta, gy=gy)
    _, plain = run(be, lambda *a: composition(*a, slope), x, gamma, beta, gy=gy)
    doubles = (array.astype(np.float64) for array in (x, gamma, beta))
    _, exact = run(be, lambda *a: composition(*a, slope), *doubles, gy=gy.astype(np.float64))
    for one, two, reference in zip(own, plain, exact, strict=True):
        scale = abs(reference).max()
        assert abs(one - reference).max() < 2 * abs(two - reference).max() + 1e-6 * scale


def test_the_gradient_at_zero_is_the_slope(be):
    x, one, zero = np.array([-1.0, 0.0, 1.0]).reshape(3, 1, 1, 1), np.ones(1), np.zeros(1)
    statistics = be.asarray(np.zeros(1)), be.asarray(np.ones(1))
    _, (gx, _, _) = run(be, lambda *a: batch_norm_act2d(*a, SLOPE, statistics, False, eps=0), x, one, zero)
    np.testing.assert_allclose(gx.reshape(-1), [SLOPE, SLOPE, 1])


@pytest.mark.parametrize("wrong", ["bits forgotten", "slope not inverted", "beta forgotten", "slope not applied"])
def test_a_wrong_rule_is_found(be, rng, monkeypatch, wrong):
    def backward(ctx, gz):
        b, (beta, z) = ctx.backend, (ctx[name].dense() for name in ("beta", "z"))
        positive = ctx["positive"].dense()
        y = leak(b, positive, z, 1.0 if wrong == "slope not inverted" else 1 / SLOPE)
        gy = leak(b, positive, gz, 1.0 if wrong == "slope not applied" else SLOPE)
        if wrong == "bits forgotten":
            y, gy = z / SLOPE, gz * SLOPE
        return norm_backward(ctx, gy, y + beta if wrong == "beta forgotten" else y, False)

    x, beta = draw(rng)
    arrays = [be.asarray(array) for array in (x, np.array(GAMMAS["z"]), beta)]
    gradcheck(lambda *a: batch_norm_act2d(*a, SLOPE), *arrays)
    monkeypatch.setattr(Op, "backward", staticmethod(backward))
    with pytest.raises(GradcheckError):
        gradcheck(lambda *a: batch_norm_act2d(*a, SLOPE), *arrays)


# ---- what is saved ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("saved", GAMMAS)
def test_one_map_and_a_bit_an_entry_are_saved_and_h_where_the_map_cannot_give_it_back(be, rng, saved):
    x = draw(rng, (4, 6, 2, 3))[0]
    gamma, beta = np.array(GAMMAS[saved]), np.array([0.3, -1.0, 1.0])
    with Tape("dense") as tape:
        batch_norm_act2d(*(Tensor(be.asarray(a), requires_grad=True) for a in (x, gamma, beta)))
    rows = {row.array: row.nbytes for row in tape.ledger.rows if row.nbytes}
    assert rows == {"positive": x.size // 8, "z": x.nbytes} | ({"h": x.nbytes // 3} if saved == "z and h" else {})


def test_the_convolution_after_it_shares_its_map(be, rng):
    x, beta = draw(rng, (4, 6, 2, 3))[0], np.array([0.3, -1.0, 1.0])
    weight = Tensor(be.asarray(normal(rng, (2, 3, 3, 3))), requires_grad=True)
    with Tape("dense") as tape:
        z = batch_norm_act2d(*(Tensor(be.asarray(a), requires_grad=True) for a in (x, np.array([1.0, 2, 3]), beta)))
        ops.conv2d(z, weight)
    assert tape.ledger.nbytes == x.nbytes + x.size // 8
    assert [row.format for row in tape.ledger.rows if row.op == "conv2d"] == ["shared", "borrowed"]


@pytest.mark.parametrize("store", ["quant4", "mask8"])
def test_a_lossy_store_moves_no_entry_to_the_other_side(be, rng, store):
    (x, beta), gamma = draw(rng, (8, 8, 8, 3), np.float32), np.array(GAMMAS["z"], np.float32)
    gy = np.ones(x.shape, np.float32)
    z, (_, _, gbeta) = run(be, lambda *a: batch_norm_act2d(*a, SLOPE), x, gamma, beta, gy=gy, store=store)
    np.testing.assert_allclose(gbeta, np.where(z > 0, 1, SLOPE).sum(axis=(0, 1, 2)), rtol=1e-5)


# ---- nets -------------------------------------------------------------------------------------------------------


def run_net(net, x):
    """Logits, gradients, running statistics after a step, and logits in evaluation."""
    with Tape("dense") as tape:
        logits = net.train()(Tensor(x))
        loss = ops.softmax_cross_entropy(logits, np.array([0, 1]))
    tape.backward(loss)
    results = [logits.numpy(), *(p.grad for p in net.parameters()), *(a.copy() for a in net.buffers())]
    return [*results, net.eval()(Tensor(x)).numpy()], tape.ledger


@pytest.mark.parametrize("make", [VGG16, DenseNet])
def test_a_net_put_in_place_computes_the_same_and_keeps_its_names(rng, make):
    x = rng.standard_normal((32, 32, 2, 3))
    plain, net = (make(width=1 / 16, activation="leaky_relu", dtype=np.float64) for _ in range(2))
    assert put_in_place(net) is net
    assert list(net.state_dict()) == list(plain.state_dict())
    for one, other in zip(run_net(net, x)[0], run_net(plain, x)[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9 * abs(other).max())


@pytest.mark.parametrize("make", [VGG16, DenseNet])
def test_a_net_put_in_place_keeps_one_map_a_layer(rng, make):
    net, x = put_in_place(make(width=1 / 16, activation="leaky_relu")), rng.standard_normal((32, 32, 2, 3))
    _, ledger = run_net(net, x.astype(np.float32))
    rows = [row for row in ledger.rows if row.nbytes and row.format == "dense" and len(row.shape) == 4]
    convolutions = sum(p.ndim == 4 for p in net.parameters())
    assert [row.array for row in rows if row.op == "batch_norm_act2d"] == ["z"] * convolutions
    assert {row.op for row in rows} <= {"batch_norm_act2d", "conv2d", "linear"}
    assert all(row.shape[0] <= 16 for row in rows if row.op != "batch_norm_act2d")  # pooled maps


def test_a_copy_of_a_net_put_in_place_normalises_by_its_own_parameters(rng):
    net, x = put_in_place(VGG16(width=1 / 16, activation="leaky_relu")), rng.standard_normal((32, 32, 2, 3))
    copied = copy.deepcopy(net)
    for parameter in net.parameters():
        parameter.data[...] = 0
    assert not run_net(net, x.astype(np.float32))[0][0].any() and run_net(copied, x.astype(np.float32))[0][0].any()


@pytest.mark.parametrize(
    "net", [VGG16(width=1 / 16), VGG16(width=1 / 16, activation="leaky_relu", batch_norm=False), LeNet5()]
)
def test_a_net_without_such_a_pair_is_refused(net):
    with pytest.raises(ValueError, match=rf"^put_in_place: {type(net).__name__} has no batch normalisation with leaky"):
        put_in_place(net)


# ---- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slope", [0, -0.1, float("nan"), float("inf")])
def test_a_slope_without_a_way_back_is_refused(be, slope):
    ones = Tensor(be.xp.ones(2))
    with pytest.raises(ValueError, match=r"^batch_norm_act2d: slope must be positive, got "):
        batch_norm_act2d(Tensor(be.xp.ones((3, 3, 2, 2))), ones, ones, slope)


def test_what_does_not_fit_is_refused_by_the_name_of_the_op(be):
    x, ones, few = Tensor(be.xp.ones((3, 3, 2, 2))), Tensor(be.xp.ones(2)), Tensor(be.xp.ones(3))
    with pytest.raises(ValueError, match=r"^batch_norm_act2d: 2 channels, but gamma \(3,\)"):
        batch_norm_act2d(x, few, ones)
    with pytest.raises(ValueError, match=r"^batch_norm_act2d: evaluation needs running statistics$"):
        batch_norm_act2d(x, ones, ones, training=False)


def test_an_empty_batch_gives_empty_maps_and_zero_gradients(be):
    arrays = np.zeros((4, 5, 0, 3)), np.array([1.0, 0.0, 2.0]), np.ones(3)
    z, (gx, ggamma, gbeta) = run(be, batch_norm_act2d, *arrays)
    assert z.shape == gx.shape == (4, 5, 0, 3) and not ggamma.any() and not gbeta.any()
