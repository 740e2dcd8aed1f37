"""The ledger: every saved array by layer, op, shape, format, density and bytes; each buffer is counted once.

The second half shows recipes at work: what an op wants to save but can be made again costs nothing.
"""

import numpy as np
import pytest

import specframe as sf
from specframe import ops
from specframe.backend import to_host
from specframe.layers import Module, Tanh
from specframe.models import LeNet5, SpecLeNet5
from specframe.saving import Bits, Borrowed, Ledger, get_store
from specframe.saving.remade import DEEPEST

STORES = ["dense", "csr", "mask", "auto"]


def parameter(be, rng, *shape):
    return sf.Tensor(be.asarray(rng.standard_normal(shape)), requires_grad=True)


def rows_of(tape, op):
    return [row for row in tape.ledger.rows if row.op == op]


# ---- what it says ----------------------------------------------------------------------------------------------


def test_a_row_says_layer_op_array_shape_format_density_and_the_kinds_of_bytes(be):
    array = be.asarray(np.array([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0]]))
    handle = get_store("csr").pack(array)
    (row,) = Ledger([("fc", "tanh", "y", handle)]).rows
    assert row[:6] == ("fc", "tanh", "y", (2, 3), "float64", "csr")
    assert row.density == 2 / 6
    assert (row.values, row.indices, row.pointers, row.masks, row.scales, row.moved) == (16, 8, 12, 0, 0, 0)
    assert row.nbytes == handle.nbytes == 36


def test_the_text_has_the_promised_columns_a_total_and_a_sentence(be):
    csr = get_store("csr").pack(be.asarray(np.eye(100, dtype=np.float32)))
    bits = Bits(be, be.asarray(np.zeros((2, 8), bool)))
    text = str(Ledger([("", "tanh", "y", csr), ("act", "relu", "positive", bits), ("fc", "linear", "x", csr)]))
    assert text.splitlines() == [
        "layer  op      array     shape    dtype    format  density  values  indices  pointers  masks  scales  moved",
        "       tanh    y         100x100  float32  csr       0.010     400      400       404      0       0      0",
        "act    relu    positive  2x8      bool     bits          -       0        0         0      2       0      0",
        "fc     linear  x         100x100  float32  shared    0.010       0        0         0      0       0      0",
        "total                                                          400      400       404      2       0      0",
        "1,206 bytes saved for backward",
    ]


def test_csv_has_a_line_a_row_and_the_running_total(be):
    csr = get_store("csr").pack(be.asarray(np.eye(100, dtype=np.float32)))
    bits = Bits(be, be.asarray(np.zeros((2, 8), bool)))
    ledger = Ledger([("fc", "tanh", "y", csr), ("act", "relu", "positive", bits)])
    assert ledger.running == [1204, 1206]
    assert ledger.to_csv().splitlines() == [
        "layer,op,array,shape,dtype,format,density,values,indices,pointers,masks,scales,moved,running",
        "fc,tanh,y,100x100,float32,csr,0.01,400,400,404,0,0,0,1204",
        "act,relu,positive,2x8,bool,bits,,0,0,0,2,0,0,1206",
    ]


def test_bytes_can_be_summed_by_layer_op_and_format(be):
    csr = get_store("csr").pack(be.asarray(np.eye(100, dtype=np.float32)))
    bits = Bits(be, be.asarray(np.zeros((2, 8), bool)))
    ledger = Ledger([("a", "tanh", "y", csr), ("b", "relu", "positive", bits), ("a", "relu", "positive", bits)])
    assert ledger.by("layer") == {"a": 1204, "b": 2}
    assert ledger.by("op") == {"tanh": 1204, "relu": 2}
    assert ledger.by("format") == {"csr": 1204, "bits": 2, "shared": 0}


def test_layers_have_the_dotted_names_of_the_model():
    model = SpecLeNet5()
    with sf.Tape() as tape:
        ops.sum(model(sf.Tensor(np.ones((28, 28, 2, 1), np.float32))))
    layers = {row.layer for row in tape.ledger.rows}
    assert layers - {""} <= {name for name, _ in model.named_modules()}
    assert {"block1", "block2"} & layers or len(layers) > 3
    assert sum(tape.ledger.by("layer").values()) == tape.ledger.nbytes


def test_a_module_that_its_caller_does_not_own_goes_by_its_class(be):
    stranger = Tanh()

    class Net(Module):
        def forward(self, x):
            return stranger(x)

    with sf.Tape() as tape:
        Net()(parameter(be, np.random.default_rng(0), 3))
    assert [row.layer for row in tape.ledger.rows] == ["Tanh"]


def test_an_empty_ledger_says_zero():
    with sf.Tape() as tape:
        pass
    assert tape.ledger.rows == tape.ledger.running == []
    assert tape.ledger.nbytes == tape.ledger.moved == tape.peak_bytes == 0
    _, total, sentence = str(tape.ledger).splitlines()
    assert total.split() == ["total", *"000000"] and sentence == "0 bytes saved for backward"


def test_totals_are_the_sum_of_the_rows(be, rng):
    x, w = parameter(be, rng, 6, 5), parameter(be, rng, 4, 5)
    with sf.Tape(store="mask") as tape:
        h = ops.tanh(ops.linear(ops.relu(x), w))
        ops.sum(h * h)
    ledger = tape.ledger
    assert ledger.nbytes == sum(row.nbytes for row in ledger.rows) > 0
    assert ledger.nbytes == sum(row.values + row.indices + row.pointers + row.masks for row in ledger.rows)


def test_densities_are_listed_by_op_in_the_order_of_the_forward(be):
    x = sf.Tensor(be.asarray(np.array([1.0, 2.0, 0.0, 0.0])), requires_grad=True)
    first, second = (sf.Tensor(be.asarray(np.array(kept))) for kept in ([1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 1.0, 1.0]))
    with sf.Tape(store="csr") as tape:
        ops.tanh(ops.tanh(x * first) * second)
    assert tape.ledger.density("tanh") == [0.5, 0.25]
    assert tape.ledger.density("relu") == []


def test_the_densities_of_spectra_are_those_of_the_arrays_that_spectral_layers_call_Z(be):
    csr = [get_store("csr").pack(be.asarray(np.eye(n))) for n in (2, 4, 5)]
    bits = Bits(be, be.asarray(np.zeros((2, 8), bool)))
    ledger = Ledger([("a", "conv", "Z", csr[0]), ("a", "conv", "X", csr[1]), ("b", "conv", "Z", csr[2]),
                     ("b", "conv", "Z", bits)])  # fmt: skip
    assert ledger.spectra() == [0.5, 0.2]


def test_a_ledger_can_be_read_while_the_tape_records(be, rng):
    x = parameter(be, rng, 3)
    with sf.Tape(store="dense") as tape:
        y = ops.tanh(x)
        assert tape.ledger.nbytes == 24
        ops.tanh(y)
        assert tape.ledger.nbytes == 48
    assert tape.ledger.nbytes == 48


def test_a_ledger_is_a_snapshot_that_outlives_the_backward(be, rng):
    x = parameter(be, rng, 30)
    with sf.Tape(store="csr") as tape:
        y = ops.sum(ops.tanh(ops.relu(x)))
    rows, text = list(tape.ledger.rows), str(tape.ledger)
    tape.backward(y)
    assert tape.ledger.rows == rows and str(tape.ledger) == text and tape.ledger.nbytes > 0


# ---- once, or not at all ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("store", STORES)
def test_an_array_saved_by_two_ops_is_counted_once(be, rng, store):
    x, w = parameter(be, rng, 8, 5), parameter(be, rng, 4, 5)
    with sf.Tape(store=store) as tape:
        h = ops.tanh(x)  # saves its output
        y = ops.sum(ops.linear(h, w))  # saves its input, the same array
    (output,), (x_row, _) = rows_of(tape, "tanh"), rows_of(tape, "linear")
    assert output.nbytes > 0
    assert (x_row.array, x_row.format, x_row.nbytes) == ("x", "shared", 0)
    assert tape.ledger.nbytes == output.nbytes
    tape.backward(y)
    np.testing.assert_allclose(to_host(w.grad), np.tile(np.tanh(x.numpy()).sum(axis=0), (4, 1)))


def test_both_factors_of_a_square_are_one_array(be, rng):
    x = parameter(be, rng, 7)
    with sf.Tape(store="dense") as tape:
        h = x + 1
        ops.sum(h * h)
    assert [(row.array, row.format, row.nbytes) for row in rows_of(tape, "multiply")] == [
        ("b", "dense", 56),
        ("a", "shared", 0),
    ]


@pytest.mark.parametrize("store", STORES)
def test_parameters_and_the_callers_batch_are_borrowed_at_zero_bytes(be, rng, store):
    x, w = sf.Tensor(be.asarray(rng.standard_normal((8, 5)))), parameter(be, rng, 4, 5)
    v = parameter(be, rng, 2, 4)
    with sf.Tape(store=store) as tape:
        ops.sum(ops.linear(ops.linear(x, w), v))
    first_x, second_x, second_weight = rows_of(tape, "linear")
    assert (first_x.array, first_x.format, first_x.nbytes) == ("x", "borrowed", 0)
    assert (second_weight.array, second_weight.format, second_weight.nbytes) == ("weight", "borrowed", 0)
    assert tape.ledger.nbytes == second_x.nbytes > 0


def test_a_borrowed_array_is_listed_as_such_each_time(be, rng):
    x = parameter(be, rng, 3)
    handle = Borrowed(x.data)
    rows = Ledger([("", "a", "x", handle), ("", "b", "x", handle)]).rows
    assert [row.format for row in rows] == ["borrowed", "borrowed"]


@pytest.mark.parametrize("store", STORES)
def test_decisions_are_bits_whatever_the_store(be, rng, store):
    x = parameter(be, rng, 4, 4, 2, 3)
    with sf.Tape(store=store) as tape:
        ops.sum(ops.max_pool2d(ops.relu(x)))
    (relu,), (pool,) = rows_of(tape, "relu"), rows_of(tape, "max_pool2d")
    assert (relu.format, relu.masks, relu.nbytes) == ("bits", 96 // 8, 96 // 8)
    assert (pool.format, pool.masks, pool.nbytes) == ("bits", 2 * 24 // 8, 2 * 24 // 8)


# ---- recipes: keep the source instead --------------------------------------------------------------------------


def spectral_layer(be, rng, store):
    """A map that an op made, its spectrum, and a convolution that wants to save the spectrum."""
    a = parameter(be, rng, 10, 10, 2, 3)
    k = parameter(be, rng, 4, 3, 3, 3)
    with sf.Tape(store=store) as tape:
        h = ops.tanh(a)
        Y = ops.spectral_conv2d(ops.rfft2(h, (12, 12)), k)
    return a, k, h, Y, tape


@pytest.mark.parametrize("store", STORES)
def test_a_convolution_of_a_fresh_spectrum_keeps_the_map_instead(be, rng, store):
    a, k, h, Y, tape = spectral_layer(be, rng, store)
    spectrum, source, weight = rows_of(tape, "spectral_conv2d")
    assert (spectrum.array, spectrum.shape, spectrum.format, spectrum.nbytes) == ("X", (12, 7, 2, 3), "remade", 0)
    assert (source.array, source.shape, source.format, source.nbytes) == ("X <- rfft2", (10, 10, 2, 3), "shared", 0)
    assert (weight.array, weight.format) == ("weight", "borrowed")
    assert tape.ledger.nbytes == rows_of(tape, "tanh")[0].nbytes  # the tanh's output is all that is kept

    gY = rng.standard_normal(Y.shape) + 1j * rng.standard_normal(Y.shape)
    tape.backward(Y, be.asarray(gY))
    again = sf.Tensor(k.data, requires_grad=True)
    with sf.Tape(store="dense") as plain:  # the same spectrum as a leaf: nothing is made again
        Y = ops.spectral_conv2d(sf.Tensor(ops.rfft2(h, (12, 12)).data), again, grid=(12, 12))
    plain.backward(Y, be.asarray(gY))
    np.testing.assert_allclose(to_host(k.grad), to_host(again.grad), rtol=1e-12)
    assert a.grad is not None


def test_the_source_of_a_remade_array_is_counted_where_nobody_else_saves_it(be, rng):
    a, k = parameter(be, rng, 10, 10, 2, 3), parameter(be, rng, 4, 3, 3, 3)
    with sf.Tape(store="dense") as tape:
        ops.spectral_conv2d(ops.rfft2(a * 2, (12, 12)), k)
    source = next(row for row in tape.ledger.rows if row.array == "X <- rfft2")
    assert (source.op, source.format, source.nbytes) == ("spectral_conv2d", "dense", 10 * 10 * 2 * 3 * 8)
    assert tape.ledger.nbytes == source.nbytes


def test_reshape_and_transpose_keep_what_they_rearrange(be, rng):
    a, w = parameter(be, rng, 2, 3, 4, 5), parameter(be, rng, 6, 30)
    with sf.Tape(store="dense") as tape:
        h = ops.tanh(a)
        y = ops.linear(ops.reshape(ops.transpose(h, (2, 3, 0, 1)), (4, 30)), w)
    assert [(row.array, row.format, row.nbytes) for row in rows_of(tape, "linear")[:3]] == [
        ("x", "remade", 0),
        ("x <- reshape", "remade", 0),
        ("x <- reshape <- transpose", "shared", 0),
    ]
    assert tape.ledger.nbytes == h.data.nbytes
    gy = rng.standard_normal((4, 6))
    tape.backward(y, be.asarray(gy))
    flat = np.tanh(a.numpy()).transpose(2, 3, 0, 1).reshape(4, 30)
    np.testing.assert_allclose(to_host(w.grad), gy.T @ flat, rtol=1e-12)


def test_concatenate_keeps_its_parts_never_a_copy(be, rng):
    a, b, w = parameter(be, rng, 4, 3), parameter(be, rng, 4, 2), parameter(be, rng, 6, 5)
    with sf.Tape(store="dense") as tape:
        first, second = ops.tanh(a), ops.tanh(b)
        y = ops.linear(ops.concatenate([first, second]), w)
    whole, *parts = rows_of(tape, "linear")[:3]
    assert (whole.format, whole.nbytes) == ("remade", 0)
    assert [(row.shape, row.format) for row in parts] == [((4, 3), "shared"), ((4, 2), "shared")]
    assert tape.ledger.nbytes == first.data.nbytes + second.data.nbytes
    gy = rng.standard_normal((4, 6))
    tape.backward(y, be.asarray(gy))
    joined = np.concatenate([np.tanh(a.numpy()), np.tanh(b.numpy())], axis=1)
    np.testing.assert_allclose(to_host(w.grad), gy.T @ joined, rtol=1e-12)


def test_concatenations_of_concatenations_grow_by_the_new_part_only(be, rng):
    a, w = parameter(be, rng, 4, 2), [parameter(be, rng, 2, n) for n in (2, 4, 6)]
    with sf.Tape(store="dense") as tape:
        joined = ops.tanh(a)
        for weight in w:
            joined = ops.concatenate([joined, ops.tanh(ops.linear(joined, weight))])
        ops.sum(joined)
    assert tape.ledger.nbytes == 4 * 4 * 2 * 8  # the four outputs of tanh, (4, 2) each, and nothing twice


def test_after_so_many_recipes_in_a_row_a_result_is_kept(be, rng):
    x, w = parameter(be, rng, 6, 5), parameter(be, rng, 4, 5)
    for turns, kept in ((DEEPEST, "x" + " <- transpose" * DEEPEST), (DEEPEST + 2, "x <- transpose")):
        with sf.Tape(store="dense") as tape:
            h = ops.tanh(x)
            for _ in range(turns):
                h = ops.transpose(h, (1, 0))
            ops.linear(h, w)
        rows = [row for row in rows_of(tape, "linear") if row.format in ("shared", "dense")]
        assert [row.array for row in rows] == [kept]


def test_relu_of_a_saved_map_keeps_that_map_only(be, rng):
    a, k = parameter(be, rng, 6, 6, 2, 3), parameter(be, rng, 4, 3, 3, 3)
    with sf.Tape(store="dense") as tape:
        h = ops.tanh(a)  # saved by tanh: relu(h) is made from it and from its bits
        y = ops.conv2d(ops.relu(h), k)
    x, source, _ = rows_of(tape, "conv2d")
    assert (x.format, x.nbytes, source.array, source.format) == ("remade", 0, "x <- relu", "shared")
    assert tape.ledger.nbytes == h.data.nbytes + h.size // 8
    gy = be.asarray(rng.standard_normal(y.shape))
    tape.backward(y, gy)
    again = sf.Tensor(k.data, requires_grad=True)
    with sf.Tape(store="dense") as plain:
        y = ops.conv2d(sf.Tensor(be.xp.maximum(h.data, 0)), again)
    plain.backward(y, gy)
    np.testing.assert_array_equal(to_host(k.grad), to_host(again.grad))


def test_relu_of_a_map_that_lives_anyway_keeps_its_bits_only(be, rng):
    a, k = parameter(be, rng, 6, 6, 2, 3), parameter(be, rng, 4, 3, 3, 3)
    with sf.Tape(store="dense") as tape:
        ops.conv2d(ops.relu(a), k)
    x, source, _ = rows_of(tape, "conv2d")
    assert (x.format, source.array, source.format) == ("remade", "x <- relu", "borrowed")
    assert tape.ledger.nbytes == a.size // 8


def test_relu_of_a_map_that_nobody_saves_is_saved_itself(be, rng):
    a, k = parameter(be, rng, 6, 6, 2, 3), parameter(be, rng, 4, 3, 3, 3)
    with sf.Tape(store="dense") as tape:
        ops.conv2d(ops.relu(a * 2), k)
    assert rows_of(tape, "conv2d")[0].format == "dense"


# ---- recompute="block" -----------------------------------------------------------------------------------------


def lenet(model, recompute, store="auto"):
    rng = np.random.default_rng(3)
    x = sf.Tensor(rng.standard_normal((28, 28, 8, 1)))
    with sf.Tape(store=store, recompute=recompute) as tape:
        loss = ops.softmax_cross_entropy(model(x), np.arange(8))
    return loss, tape


def maps(tape):
    """Rows of real maps that cost bytes."""
    return [row for row in tape.ledger.rows if len(row.shape) == 4 and row.dtype == "float64" and row.nbytes]


@pytest.mark.parametrize("store", STORES)
def test_recompute_block_keeps_spectra_and_pool_offsets_only(store):
    model = SpecLeNet5(dtype=np.float64)
    _, tape = lenet(model, "block", store)
    cost = [(row.op, row.array) for row in tape.ledger.rows if row.nbytes]
    assert cost == [
        ("spectral_conv_act", "Z"),
        ("max_pool2d", "winner"),
        ("spectral_conv_act", "Z"),
        ("max_pool2d", "winner"),
        ("tanh", "y"),
        ("tanh", "y"),
        ("softmax_cross_entropy", "p"),
    ]
    assert maps(tape) == []


def test_without_recompute_the_pooled_maps_are_kept():
    _, tape = lenet(SpecLeNet5(dtype=np.float64), None)
    assert [row.shape for row in maps(tape)] == [(14, 14, 8, 6), (7, 7, 8, 16)]
    _, block = lenet(SpecLeNet5(dtype=np.float64), "block")
    assert tape.ledger.nbytes - block.ledger.nbytes == sum(row.nbytes for row in maps(tape))


@pytest.mark.parametrize("store", STORES)
def test_recompute_block_gives_the_same_gradients(store):
    gradients = []
    for recompute in (None, "block"):
        model = SpecLeNet5(beta=0.7, dtype=np.float64)
        loss, tape = lenet(model, recompute, store)
        tape.backward(loss)
        gradients.append([p.grad for p in model.parameters()])
    for without, made_again in zip(*gradients, strict=True):
        np.testing.assert_allclose(made_again, without, rtol=1e-10, atol=1e-14)


def test_recompute_block_needs_a_stored_spectrum_and_leaves_a_spatial_net_alone():
    without, block = (lenet(LeNet5(dtype=np.float64), recompute)[1].ledger for recompute in (None, "block"))
    costs = [sorted((row.op, row.nbytes) for row in ledger.rows if row.nbytes) for ledger in (without, block)]
    assert block.nbytes <= without.nbytes
    assert sum(n for op, n in costs[1] if op == "tanh") == sum(n for op, n in costs[0] if op == "tanh")
