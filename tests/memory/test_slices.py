"""Slices of a batch: with checkpoint(slices=n), values, gradients and statistics are those of the whole batch."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import specframe as sf
from specframe import backend, ops, parts
from specframe.backend import to_host
from specframe.layers import (
    BatchNorm2d,
    Checkpoint,
    Conv2d,
    Dropout,
    MaxPool2d,
    ReLU,
    Sequential,
    SpectralBlock,
)
from specframe.memory import effects, put_in_place
from specframe.memory.slices import Batch, Joined, cut, parts_of
from specframe.models.common import ConvNormAct
from specframe.op import Context
from specframe.ops.batch_norm2d import together
from specframe.parts import over_batch, place

# ---- a batch and its slices ------------------------------------------------------------------------------------


def singles(count):
    return [slice(i, i + 1) for i in range(count)]


def test_outside_slices_a_part_is_the_whole_batch():
    assert over_batch("part", None) == "part" and place(3) == (0, 3)


def test_every_slice_gets_the_total_of_all_and_the_work_before_it_is_done_again():
    batch, begun, ended = Batch(), [], {}

    def run(i):
        begun.append(i)
        first = over_batch(i + 1, sum)
        second = over_batch(first * i, max)
        ended[i] = first, second, place(1)

    batch.run(singles(3), run)
    assert ended == {i: (6, 12, (i, 3)) for i in range(3)}
    assert begun == [0, 1, 2] * 3  # up to the first sum, up to the second, to the end
    batch.run(singles(3), run)  # the totals are known now
    assert begun == [0, 1, 2] * 4


def test_slices_of_a_slice_add_up_to_the_whole_batch():
    outer, seen = Batch(), []

    def run(i):
        inner = Batch()
        inner.run(singles(2), lambda j: seen.append((place(1), over_batch(10 * i + j, sum))))

    outer.run([slice(0, 2), slice(2, 4)], run)
    assert seen == [((2 * i + j, 4), 0 + 1 + 10 + 11) for i in range(2) for j in range(2)]


def test_a_batch_in_one_piece_asks_whoever_is_around_and_remembers_the_answer():
    inner, asked = Batch(), []

    class Around:
        start, stop, whole = 2, 4, 6

        def total(self, part, combine):
            asked.append(part)
            return combine([part, 100])

    for _ in range(2):  # both runs of a checkpoint
        with parts.running.inside(Around()):
            inner.run([slice(0, 2)], lambda i: asked.append((over_batch(1, sum), place(2))))
    assert asked == [1, (101, (2, 6)), (101, (2, 6))]


def test_an_axis_with_several_entries_an_image_counts_them_and_one_off_the_batch_is_whole():
    def look(i):
        if i == 1:
            assert place(2) == (1, 5) and place(6) == (3, 15) and place(3) == (0, 3)

    Batch().run([slice(0, 1), slice(1, 3), slice(3, 5)], look)


def test_slices_that_do_not_do_the_same_are_refused():
    with pytest.raises(RuntimeError, match=r"^checkpoint: fn asked for other sums over the batch in some slices"):
        Batch().run(singles(2), lambda i: over_batch(1, sum) if i else None)
    assert parts.running.stack == []


def test_an_error_passes_on_and_takes_its_slice_away():
    with pytest.raises(ZeroDivisionError):
        Batch().run(singles(2), lambda i: 1 / i)
    assert parts.running.stack == []


@given(size=st.integers(1, 9), count=st.integers(2, 12), ndim=st.sampled_from([1, 2, 4]))
def test_parts_cover_the_batch_and_what_is_cut_joins_again(size, count, ndim):
    shape = [2, 3, size, 2] if ndim == 4 else [size, 3][:ndim]
    array = np.arange(np.prod(shape)).reshape(shape)
    parts = parts_of([sf.Tensor(array.astype(float))], count)
    sizes = [part.stop - part.start for part in parts]
    assert len(parts) == min(size, count) and sum(sizes) == size and max(sizes) - min(sizes) <= 1
    joined = Joined(parts)
    for number, part in enumerate(parts):
        joined.put(number, cut(array, part))
    np.testing.assert_array_equal(joined.array, array)


def test_a_place_is_filled_part_by_part_or_let_go_where_the_batch_is_whole():
    place = np.ones(4)
    joined = Joined([slice(0, 1), slice(1, 4)], place)
    joined.put(0, np.array([2.0]))
    joined.put(1, np.array([3.0, 4, 5]))
    assert joined.array is place and place.tolist() == [2, 3, 4, 5]
    alive, whole = weakref.ref(place), Joined([slice(None)], place)
    del place, joined
    assert alive() is None
    whole.put(0, piece := np.array([6.0]))
    assert whole.array is piece


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_moments_of_parts_together_are_those_of_the_whole(sizes):
    rng = np.random.default_rng(sum(sizes))
    parts = [rng.standard_normal((n, 2)) + 1000 for n in sizes]
    whole = np.concatenate(parts)
    M, mu, energy = together([(len(p), p.mean(0), ((p - p.mean(0)) ** 2).sum(0)) for p in parts])
    assert M == len(whole)
    np.testing.assert_allclose(mu, whole.mean(0), rtol=1e-14)
    np.testing.assert_allclose(energy, ((whole - whole.mean(0)) ** 2).sum(0), rtol=1e-9, atol=1e-18)


# ---- checkpoint(slices=n) --------------------------------------------------------------------------------------


def spatial():
    return put_in_place(Sequential(
        Conv2d(2, 3, 3, padding=1, rng=1, dtype=np.float64), BatchNorm2d(3, dtype=np.float64), ReLU(),
        ConvNormAct(3, 4, 3, 1, "leaky_relu", True, 2, np.float64), MaxPool2d(),
    ))  # fmt: skip


def spectral():
    return SpectralBlock(2, 3, 3, 0.3, convs=2, batch_norm="spectral", rng=3, dtype=np.float64)


def small_gamma():
    net = spatial()
    net[1].weight.data[0], net[1].bias.data[0] = 1e-4, 0.1  # h is saved besides y
    return net


def step(be, make, count, batch=5, training=True, settings=(), fn=None):
    """Value, gradients of input and parameters for a random cotangent, and running statistics."""
    net = make().to(be).train(training)
    rng = np.random.default_rng(0)
    x = sf.Tensor(be.asarray(rng.standard_normal((6, 5, batch, 2)) * 2 + 1), requires_grad=True)
    with sf.Tape(*settings) as tape:
        y = sf.checkpoint(fn(net) if fn else net, x, slices=count)
    tape.backward(y, be.asarray(rng.standard_normal(y.shape)))
    gradients = [x, *net.parameters()]
    return [y.numpy(), *(to_host(tensor.grad) for tensor in gradients), *(to_host(a) for a in net.buffers())]


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("count", [2, 5, 9])
@pytest.mark.parametrize("make", [spatial, spectral, small_gamma])
def test_values_gradients_and_running_statistics_are_those_of_the_whole_batch(be, make, count, training):
    whole = step(be, make, 1, training=training)
    for one, other in zip(step(be, make, count, training=training), whole, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


def test_statistics_of_each_slice_alone_would_be_seen(be, monkeypatch):
    """The planted rule: every slice normalises by its own statistics."""
    whole = step(be, spatial, 1)
    monkeypatch.setattr(Context, "over_batch", lambda ctx, part, combine: part)
    assert not np.allclose(step(be, spatial, 2)[0], whole[0], rtol=1e-3)


def test_slices_inside_slices_and_checkpoints_inside_slices(be):
    whole = step(be, spatial, 1)
    for inner in (1, 2):
        nested = step(be, spatial, 2, fn=lambda net, inner=inner: lambda x: sf.checkpoint(net, x, slices=inner))
        for one, other in zip(nested, whole, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


def test_slices_inside_a_checkpoint(be):
    whole = step(be, spatial, 1)
    for one, other in zip(
        step(be, spatial, 1, fn=lambda net: lambda x: sf.checkpoint(net, x, slices=3)), whole, strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("store", ["offload:dense", "mask", "dense"])
def test_gradients_of_inputs_in_the_place_of_the_inputs(be, rng, store):
    net, found = spatial().to(be), []
    x, gy = rng.standard_normal((8, 8, 7, 2)), None
    for count in (1, 3):
        leaf = sf.Tensor(be.asarray(x), requires_grad=True)
        with sf.Tape(store=store) as tape:
            h = ops.tanh(leaf)  # saved by this op, so that the checkpoint's input is the store's to give
            y = sf.checkpoint(lambda h, same: net(h) + net(same), h, h, slices=count)
        gy = rng.standard_normal(y.shape) if gy is None else gy
        tape.backward(y, be.asarray(gy))
        found.append(to_host(leaf.grad))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-9, atol=1e-11)


def test_finite_differences_agree(be, rng):
    net = spatial().to(be)
    x = rng.standard_normal((4, 4, 3, 2))
    sf.gradcheck(lambda x: sf.checkpoint(net, x, slices=2), be.asarray(x))


def test_effects_happen_once_and_slices_drop_what_the_whole_batch_would(be):
    layer, norm, masks = Dropout(0.5, seed=1).to(be), BatchNorm2d(2, dtype=np.float64).to(be), []

    def fn(x):
        y = layer(x)
        masks.append(y.numpy().copy())
        return norm(y)

    x = sf.Tensor(be.asarray(np.ones((4, 4, 4, 2))), requires_grad=True)
    with sf.Tape() as tape:
        y = sf.checkpoint(fn, x, slices=2)
    tape.backward(y, be.asarray(np.ones(y.shape)))
    first, second = masks[0::2], masks[1::2]
    assert len(first) > 2 and all((m == first[0]).all() for m in first) and all((m == second[0]).all() for m in second)
    assert int(to_host(layer.key)[1]) == 1  # one draw
    whole = Dropout(0.5, seed=1).to(be)(x).numpy()
    np.testing.assert_array_equal(np.concatenate([first[0], second[0]], axis=2), whole)


def test_a_result_that_no_op_made_is_the_input_itself(be):
    x = sf.Tensor(be.asarray(np.ones((2, 2, 4, 1))), requires_grad=True)
    with sf.Tape():
        assert sf.checkpoint(lambda x: x, x, slices=2) is x


def test_spectra_and_rows_of_features_go_through_in_slices(be, rng):
    X = ops.rfft2(sf.Tensor(be.asarray(rng.standard_normal((4, 4, 3, 2)))), (4, 6))
    X.requires_grad = True
    with sf.Tape():
        Y = sf.checkpoint(lambda X: ops.split_tanh(ops.threshold(X, 0.5)), X, slices=3)
    assert Y.spectrum.grid == (4, 6)
    np.testing.assert_array_equal(Y.numpy(), ops.split_tanh(ops.threshold(X, 0.5)).numpy())
    rows = sf.Tensor(be.asarray(rng.standard_normal((5, 3))), requires_grad=True)
    with sf.Tape() as tape:
        y = sf.checkpoint(lambda h: h * h, rows, slices=2)
    tape.backward(y, be.asarray(np.ones((5, 3))))
    np.testing.assert_allclose(to_host(rows.grad), 2 * rows.numpy())


def test_frequencies_that_one_slice_leaves_empty_are_not_empty_for_the_batch(be):
    """Each image has one wave of its own, so each slice marks another frequency as the only one that holds anything."""
    rows = np.arange(8.0)[:, None]
    waves = [np.cos(2 * np.pi * k * rows / 8) + 0 * rows.T for k in (1, 2, 3)]
    X = ops.rfft2(sf.Tensor(be.asarray(np.stack(waves, axis=2)[..., None])), (8, 8))
    X.requires_grad, found = True, []
    for count in (1, 3):
        with sf.Tape() as tape:
            y = ops.irfft2(sf.checkpoint(lambda X: ops.spectral_act(X, 0.5), X, slices=count))
        tape.backward(y, be.asarray(np.ones(y.shape)))
        found.append((y.numpy(), to_host(X.grad)))
        X.grad = None
    assert abs(found[0][0]).max(axis=(0, 1)).min() > 0.1
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize("inputs", [[], [(2, 2, 4, 1), (3, 5)], [()]], ids=["none", "two batches", "a number"])
def test_inputs_without_one_batch_are_refused(be, inputs):
    tensors = [sf.Tensor(be.asarray(np.ones(shape))) for shape in inputs]
    with sf.Tape(), pytest.raises(ValueError, match=r"^checkpoint: slices need inputs with one batch in common"):
        sf.checkpoint(lambda *x: x[0], *tensors, slices=2)


def test_less_than_one_slice_is_refused(be):
    with pytest.raises(ValueError, match=r"^checkpoint: slices must be 1 or more, got 0$"):
        sf.checkpoint(lambda x: x, sf.Tensor(be.asarray(np.ones(2))), slices=0)


def test_an_error_in_a_slice_leaves_nothing_behind(be):
    def fn(x):
        raise ZeroDivisionError

    with sf.Tape(), pytest.raises(ZeroDivisionError):
        sf.checkpoint(fn, sf.Tensor(be.asarray(np.ones(4))), slices=2)
    assert parts.running.stack == [] and effects._logs.stack == []


def test_lossy_stores_draw_anew_in_each_slice():
    x = sf.Tensor(np.tile(np.random.default_rng(0).standard_normal((8, 8, 1, 32)), (1, 1, 2, 1)), requires_grad=True)
    with sf.Tape(store={"checkpoint": "dense", "default": "quant2"}, seed=3) as tape:
        y = sf.checkpoint(lambda x: (x * x) * (x * x), x, slices=2)
    tape.backward(y, np.ones(y.shape))
    assert (x.grad[:, :, 0] != x.grad[:, :, 1]).any()


def test_the_measured_peak_falls_with_the_slices():
    def peak(count):
        net = Checkpoint(spatial(), count)
        x = sf.Tensor(np.random.default_rng(0).standard_normal((32, 32, 32, 2)))
        with sf.Tape() as tape:
            y = net(x)
        gy = np.ones(y.shape)
        del y
        gc.collect()
        with backend.get("cpu").peak_memory() as measured, sf.Tape() as tape:
            y = net(x)
            tape.backward(y, gy)
        return measured.nbytes

    one, four, sixteen = (peak(count) for count in (1, 4, 16))
    assert four < 0.5 * one and sixteen < 0.65 * four
