"""Which store keeps what: by name with settings, for a part of the forward, by op, and how lossy stores are seeded."""

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from specframe.op import Op
from specframe.saving import DenseStore, get_store
from specframe.saving.registry import names
from specframe.spectrum import Spectrum
from specframe.tape import apply


def parameter(be, rng, *shape):
    return sf.Tensor(be.asarray(rng.standard_normal(shape)), requires_grad=True)


def formats(tape):
    return [row.format for row in tape.ledger.rows]


def test_a_name_a_store_and_a_dict_are_understood():
    store = DenseStore()
    assert get_store(store) is store
    assert isinstance(get_store("dense"), DenseStore)
    assert get_store({"tanh": "csr"}).of("tanh").name == "csr"
    assert get_store({"tanh": "csr"}).of("relu").name == "auto"
    assert get_store({"tanh": "csr", "default": "mask"}).of("relu").name == "mask"


@pytest.mark.parametrize(
    "wrong, said",
    [("zip", "unknown store 'zip': choose dense"), ([], r"unknown store \[\]: choose"), (3, "unknown store 3"),
     ("dense:2", "does not take 1 setting"),
     ({"tanh": "zip"}, "unknown store 'zip'"), (None, "unknown store None")],
)  # fmt: skip
def test_mistakes_are_one_sentence(wrong, said):
    with pytest.raises(ValueError, match=said):
        get_store(wrong)
    with pytest.raises(ValueError, match=said), sf.store(wrong):
        pass


def test_a_part_of_a_forward_is_kept_by_another_store(be, rng):
    a = parameter(be, rng, 6, 40)
    with sf.Tape(store="dense") as tape:
        x = ops.tanh(a)
        with sf.store("csr"):
            x = ops.tanh(x)
            with sf.store("mask"):
                x = ops.tanh(x)
            x = ops.tanh(x)
        x = ops.tanh(x)
    assert formats(tape) == ["dense", "csr", "mask", "csr", "dense"]


def test_an_array_stays_as_its_first_op_saved_it(be, rng):
    a, w = parameter(be, rng, 6, 40), parameter(be, rng, 3, 40)
    with sf.Tape(store="dense") as tape:
        x = ops.tanh(a)
        with sf.store("csr"):
            ops.linear(x, w)
    assert formats(tape)[:2] == ["dense", "shared"]


def test_ops_of_a_kind_are_kept_by_their_own_store(be, rng):
    a = parameter(be, rng, 6, 40)
    with sf.Tape(store={"tanh": "csr", "default": "dense"}) as tape:
        x = ops.tanh(a)
        ops.power(x + 1.0, 2)
    assert {row.op: row.format for row in tape.ledger.rows} == {"tanh": "csr", "power": "dense"}


def test_without_a_tape_nothing_happens(be, rng):
    a = parameter(be, rng, 3)
    with sf.store("csr"):
        np.testing.assert_array_equal(ops.tanh(a).numpy(), np.tanh(a.numpy()))


def test_an_error_inside_leaves_the_stores_as_they_were(be, rng):
    a = parameter(be, rng, 6, 40)
    with sf.Tape(store="dense") as tape:
        with pytest.raises(ZeroDivisionError), sf.store("csr"):
            raise ZeroDivisionError
        ops.tanh(a)
    assert formats(tape) == ["dense"]


class Keys(DenseStore):
    """Notes the keys that it is given."""

    def __init__(self):
        self.keys = []

    def begin(self, key):
        self.keys.append(key)


def test_the_seed_of_a_tape_reaches_its_stores_and_each_of_them_differs():
    first, second = Keys(), Keys()
    with sf.Tape(store=first, seed=7), sf.store(second):
        pass
    (a,), (b,) = first.keys, second.keys
    assert a != b and a[0] == b[0] == 7


def test_tapes_without_a_seed_differ():
    store = Keys()
    for _ in range(2):
        sf.Tape(store=store)
    assert store.keys[0] != store.keys[1]


def test_a_store_by_op_seeds_all_its_stores():
    first, second = Keys(), Keys()
    sf.Tape(store={"tanh": first, "default": second}, seed=7)
    assert first.keys[0] != second.keys[0]


def net_and_input(be, rng):
    """A net that saves maps, spectra, decisions and rows, and its input."""
    weights = [(5, 3, 3, 3), (6, 5, 3, 3), (5, 96)]
    a, b, c = (sf.Tensor(be.asarray(rng.standard_normal(shape).astype(np.float32)), True) for shape in weights)
    gamma, beta = (sf.Tensor(be.asarray(np.full(5, x, np.float32)), True) for x in (1.5, 0.1))
    x = sf.Tensor(be.asarray(rng.standard_normal((8, 8, 32, 3)).astype(np.float32)), True)

    def net():
        y = ops.relu(ops.batch_norm2d(ops.conv2d(x, a, padding="same"), gamma, beta))
        Z = ops.spectral_conv_act(ops.rfft2(y, (9, 9)), b, beta=1.0, scale=4.0)
        y = ops.dropout(ops.max_pool2d(ops.irfft2(Z)), 0.3, (1,))
        return ops.linear(ops.reshape(ops.transpose(ops.tanh(y), (2, 3, 0, 1)), (32, 96)), c)

    return net, [a, b, c, gamma, beta, x]


def gradients(net, leaves, store):
    for leaf in leaves:
        leaf.grad = None
    with sf.Tape(store=store, seed=3) as tape:
        y = net()
    tape.backward(y, y.backend.xp.ones(y.shape, y.dtype))
    return y.numpy(), np.concatenate([to_host(leaf.grad).ravel() for leaf in leaves]).astype(float)


@pytest.mark.parametrize("name", names())
def test_a_lossless_store_changes_nothing_and_a_lossy_one_the_gradients_only(be, rng, name):
    net, leaves = net_and_input(be, rng)
    plain = net().numpy()
    y, exact = gradients(net, leaves, "dense")
    np.testing.assert_array_equal(y, plain)
    y, g = gradients(net, leaves, name)
    np.testing.assert_array_equal(y, plain)
    if get_store(name).lossless:
        np.testing.assert_allclose(g, exact, rtol=1e-6, atol=1e-6 * abs(exact).max())
    else:
        assert not np.array_equal(g, exact) and exact @ g > 0
        np.testing.assert_array_equal(g, gradients(net, leaves, name)[1])  # the seed of the tape fixes the draws


@pytest.mark.parametrize("name", [*(name for name in names() if get_store(name).lossless), "offload:csr"])
def test_zeros_that_are_decisions_are_the_thresholds_where_parts_are_negative_zeros(be, name):
    """A -0.0 is kept as what it is, and decides nothing."""
    parts = np.resize(np.float32([-0.0, 0.0, -0.1, 0.1, -3, 3, -0.0]), (8, 5, 40, 4, 2))
    parts[..., 1] = np.roll(parts[..., 1].reshape(-1), 3).reshape(8, 5, 40, 4)  # all pairs, as 7 and 3 have no divisor
    Y = parts.reshape(8, 5, 40, 8).view(np.complex64)
    gZ, found = np.full(Y.shape, 1 - 2j, np.complex64), []
    for act in (ops.spectral_act, lambda Y, beta: ops.split_tanh(ops.threshold(Y, beta))):
        leaf = sf.Tensor(be.asarray(Y), requires_grad=True)
        leaf.spectrum = Spectrum((8, 8), (8, 8))
        with sf.Tape(store=name) as tape:
            Z = act(leaf, 0.5)
        tape.backward(Z, be.asarray(gZ))
        found.append((Z.numpy(), to_host(leaf.grad)))
    assert (Y == 0).any() and not found[0][1][abs(Y) <= 0.5].any() and (found[0][1][abs(Y) > 0.5] != 0).all()
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


class Cube(Op):
    """y = x^3, by an op of one's own that saves what it computes and what it decides; NumPy makes scalars of both."""

    name = "cube"

    @staticmethod
    def forward(ctx, x):
        square = x * x
        ctx.save(square=square)
        ctx.save_bits(positive=x > 0)
        return square * x

    @staticmethod
    def backward(ctx, gy):
        assert ctx["positive"].dense().shape == ctx["square"].dense().shape == gy.shape
        return 3 * gy * ctx["square"].dense()


@pytest.mark.parametrize("name", [*names(), "offload:csr"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (1,), (3,)])
def test_an_op_of_ones_own_on_arrays_of_no_axes_and_of_no_entries(be, name, shape):
    x = sf.Tensor(be.asarray(np.full(shape, -1.5)), requires_grad=True)
    with sf.Tape(store=name, check=True) as tape:
        y = apply(Cube, x)
    tape.backward(y, be.asarray(np.ones(shape)))
    np.testing.assert_array_equal(to_host(x.grad), np.full(shape, 6.75))
    assert [row.shape for row in tape.ledger.rows] == [shape, shape] and str(tape.ledger)
