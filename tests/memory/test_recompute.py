"""checkpoint: the answer with it is that without, bit by bit; each effect once; clean after an error."""

import numpy as np
import pytest

import specframe as sf
from specframe import backend, ops
from specframe.backend import to_host
from specframe.layers import (
    BatchNorm2d,
    Checkpoint,
    Conv2d,
    Dropout,
    Flatten,
    Linear,
    MaxPool2d,
    ReLU,
    Sequential,
    SpectralBlock,
    SpectralLayer,
)
from specframe.memory import effects, recompute
from specframe.saving import DenseStore, Store
from specframe.saving.dense import Dense
from specframe.tape import current


def leaf(be, values):
    return sf.Tensor(be.asarray(np.array(values)), requires_grad=True)


def grad(tensor):
    return None if tensor.grad is None else to_host(tensor.grad)


def plain(fn, *inputs):
    return fn(*inputs)


def with_and_without(be, fn, *arrays):
    """For call = sf.checkpoint and for a plain call: fn(call, *leaves), and its gradients for a random cotangent."""
    found = []
    for call in (sf.checkpoint, plain):
        leaves = [leaf(be, array) for array in arrays]
        with sf.Tape() as tape:
            y = fn(call, *leaves)
        gy = np.random.default_rng(1).standard_normal(y.shape)
        tape.backward(y, be.asarray(gy))
        found.append([y.numpy(), *(grad(tensor) for tensor in leaves)])
    return found


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


# ---- networks: wrap(module) is the module itself or a Checkpoint of it ----------------------------------------------


def same(module):
    return module


def vgg(wrap):
    def block(c_in, c_out, seed):
        return Sequential(
            Conv2d(c_in, c_out, 3, padding=1, rng=seed), BatchNorm2d(c_out), ReLU(), Dropout(0.3, seed), MaxPool2d()
        )

    head = Sequential(Flatten(), Linear(5 * 4, 6, rng=3), ReLU(), Dropout(0.5, 9), Linear(6, 3, rng=4))
    return Sequential(wrap(block(2, 4, 1)), wrap(block(4, 5, 2)), wrap(head))


def nested(wrap):
    net = vgg(wrap)
    return Sequential(wrap(Sequential(net[0], wrap(net[1]))), net[2])


def spectral(wrap):
    return Sequential(
        wrap(SpectralBlock(2, 3, 3, 0.3, convs=2, batch_norm="spectral", rng=1)),
        MaxPool2d(),
        wrap(Sequential(SpectralBlock(3, 2, 3, 0.3, rng=2), Dropout(0.2, 5))),
        Flatten(),
        Linear(2 * 4 * 4, 3, rng=3),
    )


def images(be):
    return be.asarray(np.random.default_rng(5).standard_normal((8, 8, 4, 2)).astype(np.float32))


def three_steps(be, make, wrap, training=True, **settings):
    """Everything that a training leaves: losses, gradients, parameters, running statistics, keys."""
    model, found = make(wrap).to(be).train(training), []
    if not training:
        for array in model.buffers():
            if array.dtype.kind == "f":
                array += array.dtype.type(0.25)
    x, labels = sf.Tensor(images(be)), be.asarray(np.array([0, 2, 1, 1]))
    for step in range(3):
        with sf.Tape(seed=step, **settings) as tape:
            loss = ops.softmax_cross_entropy(model(x), labels)
        tape.backward(loss)
        found.append(loss.numpy())
        for parameter in model.parameters():
            found.append(grad(parameter))
            parameter.data = parameter.data - parameter.grad
            parameter.grad = None
    return found + [parameter.numpy() for parameter in model.parameters()] + [to_host(a) for a in model.buffers()]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("make", [vgg, nested, spectral])
def test_a_network_trains_bit_by_bit_as_without(be, make, training):
    assert_same(three_steps(be, make, Checkpoint, training), three_steps(be, make, same, training))


@pytest.mark.parametrize(("store", "recompute"), [("dense", None), ("csr", None), ("mask", "block")])
def test_under_every_lossless_store(be, store, recompute):
    settings = {"store": store, "recompute": recompute}
    assert_same(three_steps(be, spectral, Checkpoint, **settings), three_steps(be, spectral, same, **settings))


def test_running_statistics_and_keys_move_once_a_step(be):
    model, x = vgg(Checkpoint).to(be), sf.Tensor(images(be))
    with sf.Tape() as tape:
        y = model(x)
    after_forward = [to_host(array).copy() for array in model.buffers()]
    keys = [module.key for _, module in model.named_modules() if isinstance(module, Dropout)]
    assert [to_host(key)[1] for key in keys] == [1, 1, 1]
    tape.backward(y, be.xp.ones_like(y.data))
    assert_same([to_host(array) for array in model.buffers()], after_forward)


def test_names_in_the_state_say_inner_and_the_values_fit(be):
    bare, wrapped = vgg(same), vgg(Checkpoint)
    names = [name.replace(".", ".inner.", 1) for name in bare.state_dict()]
    assert list(wrapped.state_dict()) == names
    wrapped.load_state_dict(dict(zip(names, bare.state_dict().values(), strict=True)))


# ---- gradients of functions -----------------------------------------------------------------------------------------

A, B = [0.5, -1.5, 2.0], [1.25, 0.75, -0.5]


@pytest.mark.parametrize(
    "fn",
    [
        lambda call, x, w: call(lambda x: ops.tanh(x * w), x),
        lambda call, x, w: call(lambda x, w: ops.tanh(x * w), x, w),
        lambda call, x, w: call(lambda x: ops.tanh(x * w), x) + call(lambda x: x * x * w, x),
        lambda call, x, w: call(lambda x: ops.tanh(x * w), x * w) * w,
        lambda call, x, w: (lambda h: call(lambda h: h * w, h) + h)(x * 2),
        lambda call, x, w: call(lambda a, b: a * b * w, x, x),
        lambda call, x, w: call(lambda a: a * x * w, x),
        lambda call, x, w: (lambda h: call(lambda x: x * h, x))(w * 2),
        lambda call, x, w: call(lambda x: call(lambda x: call(lambda x: ops.tanh(x * w), x) * w, x) + x, x),
        lambda call, x, w: call(lambda h: h, ops.tanh(x * w)),
        lambda call, x, w: call(lambda h: w, x) * x,
        lambda call, x, w: call(lambda: ops.tanh(x * w)),
        lambda call, x, w: call(lambda x: (ops.tanh(w), ops.tanh(x))[1], x) + w,
    ],
    ids=[
        "closure", "input", "two checkpoints share both", "a parameter inside and outside", "an input used elsewhere",
        "one tensor as two inputs", "an input that fn also closes over", "a map that fn closes over", "nested",
        "fn returns its input", "fn returns what it closes over", "no inputs", "an op that leads nowhere",
    ],
)  # fmt: skip
def test_gradients_are_those_without(be, fn):
    here, there = with_and_without(be, fn, A, B)
    np.testing.assert_array_equal(here[0], there[0])
    for one, other in zip(here[1:], there[1:], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-15)


def test_finite_differences_agree(be, rng):
    x, k = rng.standard_normal((6, 6, 2, 2)), rng.standard_normal((3, 2, 3, 3))
    gamma, bias = rng.standard_normal(3) + 2, rng.standard_normal(3)

    def fn(x, k, gamma, bias):
        inside = lambda x, k: ops.tanh(ops.batch_norm2d(ops.conv2d(x, k), gamma, bias))  # noqa: E731
        return sf.checkpoint(lambda x, k: ops.dropout(sf.checkpoint(inside, x, k), 0.3, (1,)), ops.tanh(x), k)

    assert sf.gradcheck(fn, *(be.asarray(array) for array in (x, k, gamma, bias))) < 1e-6


def test_inputs_and_results_carry_their_spectrum(be, rng):
    x, layer = rng.standard_normal((6, 6, 2, 2)), SpectralLayer(2, 3, 3, 0.3, dtype=np.float64).to(be)

    def fn(call, x):
        Z = call(layer, ops.rfft2(x, (8, 8)))
        assert Z.spectrum.size == (6, 6) and Z.spectrum.grid == (8, 8)
        return ops.irfft2(Z)

    assert_same(*with_and_without(be, fn, x))


def test_images_need_no_gradient_for_the_parameters_inside_to_get_theirs(be, rng):
    x, w = sf.Tensor(be.asarray(rng.standard_normal((4, 3)))), leaf(be, rng.standard_normal((2, 3)))
    with sf.Tape() as tape:
        y = sf.checkpoint(lambda x: ops.tanh(ops.linear(x, w)), x)
    assert y.requires_grad and tape.ledger.nbytes == 0  # the images are the caller's
    tape.backward(y, be.xp.ones_like(y.data))
    assert x.grad is None
    np.testing.assert_allclose(grad(w), (1 - y.numpy() ** 2).T @ x.numpy(), rtol=1e-12)


def test_both_runs_see_which_tensors_require_a_gradient(be):
    x, seen = leaf(be, A), []
    constant = sf.Tensor(x.data)

    def fn(x, constant):
        y, z = ops.tanh(x), ops.tanh(constant)
        seen.append([t.requires_grad for t in (x, constant, y, z)])
        return y * z

    with sf.Tape() as tape:
        y = sf.checkpoint(fn, x, constant)
    tape.backward(y, y.data)
    assert seen == [[True, False, True, False]] * 2


def test_whole_numbers_may_be_inputs(be, rng):
    logits, labels = rng.standard_normal((3, 4)), sf.Tensor(be.asarray(np.array([2, 0, 1])))

    def fn(call, x):
        return call(lambda x, labels: ops.softmax_cross_entropy(x, labels.data), x, labels)

    assert_same(*with_and_without(be, fn, logits))


def test_of_constants_nothing_is_recorded(be):
    with sf.Tape() as tape:
        y = sf.checkpoint(ops.tanh, sf.Tensor(be.asarray(np.array(A))))
    assert not y.requires_grad and tape.ledger.rows == []


def test_without_a_tape_fn_simply_runs(be):
    x, seen = leaf(be, A), []
    y = sf.checkpoint(lambda t: (seen.append(t), ops.tanh(t))[1], x)
    assert seen == [x] and not y.requires_grad
    np.testing.assert_array_equal(y.numpy(), to_host(be.xp.tanh(x.data)))


def test_gradients_add_to_what_a_leaf_has_and_are_its_own(be):
    x, w = leaf(be, A), leaf(be, B)
    x.grad = w.grad = be.asarray(np.ones(3))
    for total in (2, 3):
        with sf.Tape() as tape:
            y = sf.checkpoint(lambda x: x + w, x)
        tape.backward(y, be.asarray(np.ones(3)))
        assert grad(x).tolist() == grad(w).tolist() == [total] * 3
    x.grad *= 0
    assert grad(w).tolist() == [3] * 3


def test_on_grad_is_called_once_for_each_leaf_when_its_gradient_is_complete(be):
    x, v, w, seen = leaf(be, A), leaf(be, B), leaf(be, B), []
    with sf.Tape() as tape:
        h = sf.checkpoint(lambda x: x * w * v, x)
        y = sf.checkpoint(lambda h: sf.checkpoint(lambda h: h * w, h) * w, h)
    tape.backward(y, be.asarray(np.ones(3)), on_grad=lambda t: seen.append((t, grad(t).copy())))
    assert len(seen) == 3 and {id(t) for t, _ in seen} == {id(x), id(v), id(w)}
    for tensor, then in seen:
        np.testing.assert_array_equal(grad(tensor), then)


# ---- which settings the second run has ------------------------------------------------------------------------------


class Rounding(Store):
    """A lossy store: to multiples of 1/4, up or down by what it draws from its key."""

    name, lossless = "rounding", False

    def __init__(self):
        self.keys = []

    def begin(self, key):
        self.keys.append(key)
        self._drawn = 0

    def pack(self, array, sparse=None, exact_zeros=False):
        b = backend.of("store", array)
        self._drawn += 1
        draw = b.random((*self.keys[-1], self._drawn), array.shape, np.float32)
        return Dense(b.xp.floor(array * 4 + draw) / 4)


def values_in_both_runs(be, store, around=None):
    """What fn gets in its first run and in its second."""
    seen, x = [], leaf(be, A)
    with sf.Tape(store=store) as tape:
        h = x * 1.3
        with sf.store(around or tape.saving.store):
            y = sf.checkpoint(lambda h: (seen.append(h.numpy().copy()), ops.tanh(h))[1], h)
    tape.backward(y, y.data)
    return seen


def test_the_second_run_starts_from_what_a_lossy_store_gives_back(be):
    first, second = values_in_both_runs(be, Rounding())
    assert (first != second).any() and (second % 0.25 == 0).all()


def test_with_a_dense_store_for_the_input_it_starts_from_the_exact_one(be):
    for stores in ((Rounding(), "dense"), ({"checkpoint": "dense", "default": Rounding()},)):
        first, second = values_in_both_runs(be, *stores)
        np.testing.assert_array_equal(first, second)


def test_store_recompute_and_layers_around_the_call_serve_the_second_run(be):
    store, seen, x = DenseStore(), [], leaf(be, A)

    def fn(x):
        inside = current().saving
        seen.append((type(current()), inside.store, inside.recompute, list(inside.layers)))
        return ops.tanh(x)

    tape = sf.Tape(store="mask", recompute="block")
    with tape, sf.store(store), tape.saving.layer("a"), tape.saving.layer("b"):
        y = sf.checkpoint(fn, x)
    tape.backward(y, y.data)
    assert seen[1] == (recompute.Again, store, "block", ["a", "b"])


def test_what_the_second_run_draws_follows_from_the_seed_and_differs_by_checkpoint():
    def keys(seed):
        store, x = Rounding(), sf.Tensor(np.array(A), requires_grad=True)
        with sf.Tape(store=store, seed=seed) as tape:
            y = sf.checkpoint(ops.tanh, sf.checkpoint(ops.tanh, x))
        tape.backward(y, y.data)
        return store.keys

    assert len(set(keys(1))) == 3  # the tape's own and two second runs'
    assert keys(1) == keys(1) and not set(keys(1)) & set(keys(2))


def test_a_scope_inside_fn_begins_its_store_for_the_second_run_only():
    store, x = Rounding(), sf.Tensor(np.array(A), requires_grad=True)

    def fn(x):
        with sf.store(store):
            return ops.tanh(x) * 2

    with sf.Tape() as tape:
        y = sf.checkpoint(fn, x)
        assert store.keys == []
    tape.backward(y, y.data)
    assert len(store.keys) == 1


# ---- what is refused, and what an error leaves ----------------------------------------------------------------------


def assert_nothing_is_left(tape=None):
    assert current() is tape and effects._logs.stack == []


def test_only_tensors_go_in_and_one_tensor_comes_out(be):
    x = leaf(be, A)
    with sf.Tape() as tape:
        with pytest.raises(TypeError, match=r"^checkpoint: inputs are Tensors, got int; let fn take it from around$"):
            sf.checkpoint(ops.tanh, x, 3)
        with pytest.raises(TypeError, match=r"^checkpoint: fn must return one Tensor, got tuple$"):
            sf.checkpoint(lambda x: (x, x), x)
        assert_nothing_is_left(tape)
    with pytest.raises(TypeError, match=r"^checkpoint: fn must return one Tensor, got NoneType$"):
        sf.checkpoint(lambda x: None, x)


def failing(run):
    """A function that fails in its run of this number (after an effect, and an op with a parameter w)."""
    count = [0]

    def fn(x, w):
        count[0] += 1
        effects.once(lambda: None)
        y = ops.tanh(x * w)
        if count[0] == run:
            raise ZeroDivisionError
        return y

    return fn


@pytest.mark.parametrize("call", [plain, sf.checkpoint], ids=["plain", "nested"])
def test_an_error_in_the_first_run_leaves_the_tape_recording(be, call):
    x, w, fn = leaf(be, A), leaf(be, B), failing(1)
    with sf.Tape() as tape:
        h = x * 2
        with pytest.raises(ZeroDivisionError):
            sf.checkpoint(lambda h: call(lambda h: fn(h, w), h), h)
        assert_nothing_is_left(tape)
        y = ops.sum(h)
    assert [row.op for row in tape.ledger.rows] == ["multiply"]
    tape.backward(y)
    assert grad(x).tolist() == [2.0] * 3 and w.grad is None


@pytest.mark.parametrize(("call", "run"), [(plain, 2), (sf.checkpoint, 2), (sf.checkpoint, 3)])
def test_an_error_in_a_later_run_leaves_gradients_as_they_were(be, call, run):
    x, w, fn = leaf(be, A), leaf(be, B), failing(run)
    w.grad = before = be.asarray(np.ones(3))
    with sf.Tape() as tape:
        y = sf.checkpoint(lambda x: call(lambda x: fn(x, w), x) * w, x)
    with pytest.raises(ZeroDivisionError):
        tape.backward(y, y.data)
    assert_nothing_is_left()
    assert w.grad is before and grad(w).tolist() == [1.0] * 3 and x.grad is None
    with sf.Tape() as tape:
        y = sf.checkpoint(lambda x: fn(x, w), x)
    tape.backward(y, y.data)
    assert x.grad is not None


def run_twice(be, first, second):
    """A backward through a function whose second run is another one."""
    runs, x = iter((first, second)), leaf(be, A)
    with sf.Tape() as tape:
        y = sf.checkpoint(lambda x: next(runs)(x), x)
    tape.backward(y, y.data)


def test_a_second_run_that_is_seen_to_differ_is_refused(be):
    w = leaf(be, B)
    with pytest.raises(RuntimeError, match=r"^checkpoint: fn gave \(3,\) float64, and in its second run \(\) float64$"):
        run_twice(be, ops.tanh, ops.sum)
    with pytest.raises(RuntimeError, match=r"^checkpoint: fn used a tensor in its second run that it had not used"):
        run_twice(be, ops.tanh, lambda x: x * w)
    assert w.grad is None
    drop = Dropout(0.5)
    with pytest.raises(RuntimeError, match=r"^checkpoint: fn did not do the same in its second run"):
        run_twice(be, drop, lambda x: drop.eval()(x))
    assert_nothing_is_left()
