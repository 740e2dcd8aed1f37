"""The fast spectral_conv_act equals that of ops/, whatever it skips, and skips no frequency that could pass."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specframe import Tape, Tensor, ops, reference
from specframe.bodies import body
from specframe.fast.cpu import spectral_conv_act
from specframe.ops.spectral_conv_act import SpectralConvAct
from specframe.ops.split_activation import ACTIVATIONS
from tests.fast.cpu.common import CPU, both
from tests.ops.common import clear_beta, normal, on_grid, run, spectrum_tensor

STORES = ["dense", "csr", "mask", "auto"]


def draw(rng, grid, batch=2, c_in=2, c_out=3, k=3, real=np.float64):
    """X, weight and bias; some frequencies of X are weak for the whole batch, its edge columns are not Hermitian."""
    X = normal(rng, (*half(grid), batch, c_in), np.complex128) * rng.uniform(0, 1, (*half(grid), 1, 1)) ** 3
    weight, bias = normal(rng, (c_out, c_in, k, k)) / (k * c_in**0.5), normal(rng, c_out) / 10
    return [X.astype(np.result_type(real, np.complex64)), weight.astype(real), bias.astype(real)]


def half(grid):
    return grid[0], grid[1] // 2 + 1


def clear(arrays, grid, beta, norm="ortho"):
    """A beta near this one from which every entry of Y is well away."""
    if beta in (0.0, 1e9) or arrays[0].size == 0:
        return beta
    Y = ops.spectral_conv2d(*map(Tensor, arrays), grid=grid, norm=norm).data
    return clear_beta(Y, beta, reach=0.5)


def conv_act(grid, **options):
    return on_grid(lambda *arrays: ops.spectral_conv_act(*arrays, **options), grid, options.pop("norm", "ortho"))


def test_it_is_the_body_on_the_cpu():
    assert body(SpectralConvAct, CPU) is spectral_conv_act.FastSpectralConvAct


@pytest.mark.parametrize("real", [np.float32, np.float64])
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("beta", [0.0, 0.3, 1.5, 1e9])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize(("grid", "batch"), [((6, 7), 2), ((5, 6), 1), ((4, 4), 0)])
def test_it_equals_the_plain_one(rng, grid, batch, with_bias, beta, store, real):
    arrays = draw(rng, grid, batch, real=real)[: 2 + with_bias]
    beta, gZ = clear(arrays, grid, beta), normal(rng, (*half(grid), batch, 3), arrays[0].dtype)
    both(conv_act(grid, beta=beta, scale=2.0), *arrays, gy=gZ, store=store)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", ["ortho", "backward"])
def test_every_activation_in_both_norms(rng, activation, norm):
    arrays, grid = draw(rng, (6, 7)), (6, 7)
    options = {"beta": clear(arrays, grid, 0.8, norm), "activation": activation, "scale": 1.5, "norm": norm}
    both(conv_act(grid, **options), *arrays, gy=normal(rng, (6, 4, 2, 3), np.complex128))


@settings(max_examples=40)
@given(
    P=st.integers(4, 8), W=st.integers(4, 8), batch=st.integers(1, 2), c_in=st.integers(1, 3), c_out=st.integers(1, 3),
    k=st.integers(1, 4), beta=st.sampled_from([0.0, 0.3, 1.0, 3.0]), seed=st.integers(0, 99),
)  # fmt: skip
def test_all_shapes(P, W, batch, c_in, c_out, k, beta, seed):
    rng, grid = np.random.default_rng(seed), (P, W)
    arrays = draw(rng, grid, batch, c_in, c_out, k)
    both(conv_act(grid, beta=beta), *arrays, gy=normal(rng, (*half(grid), batch, c_out), np.complex128))


def test_of_arrays_that_are_not_contiguous(rng):
    X, gZ = normal(rng, (2, 3, 4, 6), np.complex128).T, normal(rng, (3, 3, 4, 6), np.complex128).T
    weight, bias = normal(rng, (3, 3, 2, 3)).T, normal(rng, 6)[::2]
    both(conv_act((6, 7), beta=2.0), X, weight, bias, gy=gZ, store="mask")


@pytest.mark.parametrize("needed", [(0,), (1,), (2,), (0, 1), (1, 2)])
def test_gradients_that_nobody_wants_change_nothing_about_the_others(rng, needed):
    arrays, gZ = draw(rng, (6, 7)), normal(rng, (6, 4, 2, 3), np.complex128)
    fast, _ = both(conv_act((6, 7), beta=0.5), *arrays, gy=gZ)
    leaves = [Tensor(array, requires_grad=i in needed) for i, array in enumerate(arrays)]
    with Tape() as tape:
        Z = conv_act((6, 7), beta=0.5)(*leaves)
    tape.backward(Z, gZ)
    for i, leaf in enumerate(leaves):
        assert (leaf.grad is not None) == (i in needed)
        if i in needed:
            np.testing.assert_array_equal(leaf.grad, fast[1][i])


def test_the_gathered_input_is_gone_before_its_gradient_comes(rng):
    """gX and its place in the whole spectrum, and no third array of that size."""
    X = Tensor(normal(rng, (16, 9, 8, 32), np.complex64), requires_grad=True)
    weight = Tensor(normal(rng, (1, 32, 1, 1), np.float32), requires_grad=True)
    with Tape("mask") as tape:
        Z = conv_act((16, 17), beta=0.5)(X, weight)
    assert Z.spectrum.active.sum() > 140
    with CPU.peak_memory() as peak:
        tape.backward(Z, Z.data)
    assert peak.nbytes < 2.5 * X.data.nbytes


# ---- what is skipped -------------------------------------------------------------------------------------------


def test_no_entry_above_beta_is_skipped_for_a_rounding(rng):
    """With one channel in and out the bound is the entry itself, but rounded in another way."""
    exact = {"activation": "hardtanh", "scale": 2.0**40}  # Z is Y where it is kept
    for _ in range(300):
        X, weight, _ = draw(rng, (4, 5), 1, 1, 1, real=np.float32)
        Y = conv_act((4, 5), beta=0.0, **exact)(Tensor(X), Tensor(weight)).data
        entry = np.unravel_index(rng.integers(Y.size), Y.shape)
        beta = float(abs(Y)[entry]) * (1 - 1.5e-7)  # two steps of float32 below
        assert conv_act((4, 5), beta=beta, **exact)(Tensor(X), Tensor(weight)).data[entry] == Y[entry]


def test_frequencies_below_the_bound_are_not_multiplied(rng, monkeypatch):
    seen, matmul = [], np.matmul
    monkeypatch.setattr(spectral_conv_act.np, "matmul", lambda a, b: (seen.append(a.shape), matmul(a, b))[1])
    X, weight, bias = draw(rng, (6, 7))
    K = ops.spectral_conv2d(Tensor(np.tile(np.eye(2, dtype=complex), (6, 4, 1, 1))), Tensor(weight), grid=(6, 7)).data
    bound = np.linalg.norm(X, axis=3).max(axis=2) * np.linalg.norm(K, axis=2).max(axis=2)
    beta = clear_beta(bound, np.median(bound), reach=0.9)
    conv_act((6, 7), beta=beta)(Tensor(X), Tensor(weight))
    assert seen[-1] == (np.count_nonzero(bound > beta), 2, 2)
    conv_act((6, 7), beta=1e-6)(Tensor(X * 0), Tensor(weight), Tensor(bias))
    assert seen[-1] == (1, 2, 2)  # the bin (0, 0), for the bias
    conv_act((6, 7), beta=0.0)(Tensor(X * 0), Tensor(weight))
    assert seen[-1] == (24, 2, 2)


def test_at_beta_zero_entries_whose_squares_vanish_are_kept():
    X, weight = np.full((2, 2, 1, 1), 1e-25, np.complex64), np.ones((1, 1, 1, 1), np.float32)
    Z = conv_act((2, 2), beta=0.0)(Tensor(X), Tensor(weight)).data
    np.testing.assert_allclose(Z, X, rtol=1e-6)


def test_the_kernel_of_all_output_channels_counts(rng):
    """The bound takes the largest output channel and the largest image, not the sum or the first."""
    for image, channel in np.ndindex(2, 2):
        X, weight = np.full((4, 3, 2, 1), 1e-3, complex), np.full((2, 1, 1, 1), 1e-3)
        X[:, :, image], weight[channel] = 2.0, 2.0
        Z = both(conv_act((4, 5), beta=3.9, activation="hardtanh", scale=10.0), X, weight)[0][0]
        assert Z[:, :, image, channel].all() and np.count_nonzero(Z) == 12


@pytest.mark.parametrize("beta", [0.0, 0.5, 1e9])
@pytest.mark.parametrize("where", ["X", "weight"])
def test_nan_stays_visible_in_both(rng, beta, where):
    X, weight, bias = draw(rng, (6, 7))
    if where == "X":
        X[2, 1, 1, 0] = np.nan
    else:
        weight[1, 0, 0, 0] = np.nan
    fast, plain = both(conv_act((6, 7), beta=beta), X, weight, bias, gy=normal(rng, (6, 4, 2, 3), np.complex128))
    for Z, _ in (fast, plain):
        seen = np.zeros(Z.shape, bool)
        seen[(2, 1, 1) if where == "X" else (..., 1)] = True
        np.testing.assert_array_equal(np.isnan(Z), seen)


def test_where_bin_zero_is_dropped_the_bias_gets_no_gradient(rng):
    X, weight, bias = draw(rng, (6, 7))
    X[0, 0] *= 1e-6
    (Z, (_, gk, gb)), _ = both(conv_act((6, 7), beta=0.5), X, weight, bias / 1e6, store="mask")
    assert Z.any() and gk.any() and not gb.any() and not Z[0, 0].any()


# ---- what it says and saves ------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.0, 1.0, 1e9])
def test_it_says_which_frequencies_hold_anything(rng, beta):
    X, weight, bias = draw(rng, (6, 7))
    X = spectrum_tensor(CPU, X, (6, 7), (5, 5), "backward", np.ones((6, 4), bool))
    Z = ops.spectral_conv_act(X, Tensor(weight), Tensor(bias / 100), beta=beta)
    assert (Z.spectrum.grid, Z.spectrum.size, Z.spectrum.norm) == ((6, 7), (5, 5), "backward")
    np.testing.assert_array_equal(Z.spectrum.active, (Z.data != 0).any(axis=(2, 3)))


def test_both_save_the_same_bytes(rng):
    arrays, totals = draw(rng, (6, 7)), []
    for scope in (reference, lambda: np.errstate()):
        leaves = [Tensor(array, requires_grad=True) for array in arrays]
        with scope(), Tape("mask") as tape:
            conv_act((6, 7), beta=1.0)(*leaves)
        totals.append([(row.op, row.array, row.format, row.nbytes) for row in tape.ledger.rows])
    assert totals[0] == totals[1] and len(totals[0]) == 3


def test_one_body_hands_over_to_the_other(rng):
    """A fast op reads what a plain one made, and the other way round: in a net that is half under sf.reference()."""
    grid, x = (8, 9), normal(rng, (6, 6, 2, 2))
    first, second = draw(rng, grid, c_in=2)[1:], draw(rng, grid, c_in=3)[1:]
    gy, results = normal(rng, (6, 6, 2, 3)), []
    for plain_first in (False, True):

        def net(x, w1, b1, w2, b2, plain_first=plain_first):
            with reference() if plain_first else np.errstate():
                Z = ops.spectral_conv_act(ops.rfft2(x, grid), w1, b1, beta=0.5)
            with np.errstate() if plain_first else reference():
                return ops.irfft2(ops.spectral_conv_act(Z, w2, b2, beta=0.5))

        results.append(run(CPU, net, x, *first, *second, gy=gy))
    for one, other in zip([results[0][0], *results[0][1]], [results[1][0], *results[1][1]], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-12 * abs(other).max())
