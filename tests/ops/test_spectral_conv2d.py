"""spectral_conv2d: on a grid with room it is the "same" convolution in space; on the map's own grid, a circular one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specframe import Tape, Tensor, gradcheck, ops
from specframe.grids import choose_grid
from tests.kit.oracles import conv2d_loops
from tests.ops.common import normal, run, spectrum_tensor, value

SIZES = [(6, 7), (7, 6)]


def through_the_spectrum(grid, norm="ortho"):
    """x, weight, (bias) -> map, by way of rfft2 and irfft2."""
    return lambda x, *weights: ops.irfft2(ops.spectral_conv2d(ops.rfft2(x, grid, norm), *weights))


def circular_loops(x, weight):
    """Cross-correlation that wraps around the border, one kernel entry at a time."""
    c_out, _, k, _ = weight.shape
    c, y = (k - 1) // 2, np.zeros((*x.shape[:3], c_out))
    for r in range(x.shape[0]):
        for s in range(x.shape[1]):
            for i in range(k):
                for j in range(k):
                    y[r, s] += x[(r + i - c) % x.shape[0], (s + j - c) % x.shape[1]] @ weight[:, :, i, j].T
    return y


@pytest.mark.parametrize("grid", ["linear", "fast", "same", "paper"])
@pytest.mark.parametrize("k", range(1, 12))
def test_it_is_the_convolution_with_same_padding_for_every_kernel_size(be, rng, k, grid):
    for size in SIZES:
        chosen = choose_grid(size, k, grid)
        x, weight, bias = normal(rng, (*size, 2, 2)), normal(rng, (3, 2, k, k)), normal(rng, 3)
        y = value(be, through_the_spectrum(chosen), x, weight, bias)
        np.testing.assert_allclose(y, conv2d_loops(x, weight, bias, padding="same"), rtol=0, atol=1e-11)


@pytest.mark.parametrize("size", [(6, 7), (5, 4)])
@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_on_a_circular_grid_it_wraps_around(be, rng, k, size):
    x, weight = normal(rng, (*size, 2, 2)), normal(rng, (3, 2, k, k))
    y = value(be, through_the_spectrum(choose_grid(size, k, "circular")), x, weight)
    np.testing.assert_allclose(y, circular_loops(x, weight), rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", ["ortho", "backward"])
def test_either_norm_gives_the_same_map_with_its_bias(be, rng, norm):
    x, weight, bias = normal(rng, (5, 4, 1, 1)), normal(rng, (2, 1, 3, 3)), normal(rng, 2)
    y = value(be, through_the_spectrum((7, 6), norm), x, weight, bias)
    np.testing.assert_allclose(y, conv2d_loops(x, weight, bias, padding="same"), rtol=0, atol=1e-12)


@settings(max_examples=15)
@given(
    rows=st.integers(1, 7), cols=st.integers(1, 7), batch=st.integers(1, 2), c_in=st.integers(1, 3),
    c_out=st.integers(1, 3), k=st.integers(1, 6), extra=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)  # fmt: skip
def test_all_shapes_agree_with_loops(be, rows, cols, batch, c_in, c_out, k, extra):
    rng, grid = np.random.default_rng(k), (rows + k - 1 + extra[0], cols + k - 1 + extra[1])
    x, weight = normal(rng, (rows, cols, batch, c_in)), normal(rng, (c_out, c_in, k, k))
    y = value(be, through_the_spectrum(grid), x, weight)
    np.testing.assert_allclose(y, conv2d_loops(x, weight, padding="same"), rtol=0, atol=1e-11)


def test_it_is_a_matrix_product_over_the_channels_at_every_frequency(be, rng):
    """Eq. (2), with the kernel's spectrum from its definition."""
    X, weight = normal(rng, (4, 3, 2, 3), np.complex128), normal(rng, (2, 3, 3, 3))
    Y = value(be, lambda X, weight: ops.spectral_conv2d(X, weight, grid=(4, 5)), X, weight)
    for p in range(4):
        for q in range(3):
            shifts = np.arange(3) - 1
            E = np.exp(2j * np.pi * (p * shifts[:, None] / 4 + q * shifts[None, :] / 5))
            np.testing.assert_allclose(Y[p, q], X[p, q] @ np.sum(E * weight, axis=(2, 3)).T, rtol=0, atol=1e-13)


GRADIENTS = [
    ((4, 5), 1, 1, 1, 1), ((4, 5), 3, 2, 3, 2), ((5, 4), 2, 1, 2, 3), ((6, 6), 5, 2, 1, 2), ((11, 12), 11, 1, 2, 1)
]  # fmt: skip


@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("norm", ["ortho", "backward"])
@pytest.mark.parametrize(("grid", "k", "batch", "c_in", "c_out"), GRADIENTS)
def test_gradients_are_exact(be, rng, grid, k, batch, c_in, c_out, norm, with_bias):
    X = normal(rng, (grid[0], grid[1] // 2 + 1, batch, c_in), np.complex128)
    weights = [normal(rng, (c_out, c_in, k, k)), normal(rng, c_out)][: 1 + with_bias]

    def conv(*inputs):
        return ops.spectral_conv2d(*inputs, grid=grid, norm=norm)

    gradcheck(conv, *map(be.asarray, (X, *weights)), linear=True, rtol=1e-8)


@pytest.mark.parametrize("grid", [(8, 9), (9, 8)])
def test_gradients_equal_those_of_the_convolution_in_space(be, rng, grid):
    x, weight, bias = normal(rng, (5, 6, 2, 2)), normal(rng, (3, 2, 3, 3)), normal(rng, 3)
    gy = normal(rng, (5, 6, 2, 3))
    y, spectral = run(be, through_the_spectrum(grid), x, weight, bias, gy=gy)
    expected, spatial = run(be, lambda *a: ops.conv2d(*a, padding="same"), x, weight, bias, gy=gy)
    for one, other in zip([y, *spectral], [expected, *spatial], strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-11)


def test_the_map_is_kept_and_not_its_spectrum(be):
    x, weight = Tensor(be.xp.ones((5, 5, 2, 1))), Tensor(be.xp.ones((3, 1, 3, 3)), requires_grad=True)
    with Tape("dense") as tape:
        ops.spectral_conv2d(ops.rfft2(x, (7, 7)), weight)
    assert tape.ledger.nbytes == 0 and "remade" in {row.format for row in tape.ledger.rows}


def test_the_spectrum_s_metadata_is_passed_on_without_its_empty_frequencies(be):
    X = spectrum_tensor(be, np.zeros((4, 3, 1, 2), complex), (4, 5), (3, 3), "backward", active=np.zeros((4, 3), bool))
    Y = ops.spectral_conv2d(X, Tensor(be.xp.ones((1, 2, 3, 3))))
    assert Y.spectrum == X.spectrum.with_active(None)


# ---- what is refused, by both ops that convolve ----------------------------------------------------------------

both = pytest.mark.parametrize("name", ["spectral_conv2d", "spectral_conv_act"])


def conv(
    be, name, shape=(4, 3, 2, 3), weight=(2, 3, 3, 3), bias=None, dtypes=("complex128", "float64", "float64"), **options
):
    shapes = (shape, weight) if bias is None else (shape, weight, bias)
    return getattr(ops, name)(*(Tensor(be.xp.ones(s, d)) for s, d in zip(shapes, dtypes, strict=False)), **options)


@both
def test_a_tensor_without_a_grid_is_refused(be, name):
    with pytest.raises(ValueError, match=rf"^{name}: expected a spectrum made by rfft2, or a grid="):
        conv(be, name)


@both
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shape": (4, 4, 2, 3)}, r"expected a complex spectrum of \(4, 3\) x .*, got \(4, 4, 2, 3\) complex128"),
        ({"shape": (4, 3, 3)}, r"expected a complex spectrum of \(4, 3\) x .*, got \(4, 3, 3\) complex128"),
        ({"dtypes": ("float64", "float64")}, r"expected a complex spectrum of .*, got \(4, 3, 2, 3\) float64"),
        ({"weight": (2, 4, 3, 3)}, r"expected a weight \(c_out, 3, k, k\), got \(2, 4, 3, 3\)"),
        ({"weight": (2, 3, 3, 1)}, r"expected a weight \(c_out, 3, k, k\), got \(2, 3, 3, 1\)"),
        ({"weight": (2, 3, 3)}, r"expected a weight \(c_out, 3, k, k\), got \(2, 3, 3\)"),
        ({"dtypes": ("complex128", "float32")}, "a complex128 spectrum needs a float64 weight, got float32"),
        ({"weight": (2, 3, 5, 5)}, r"a kernel of 5 is larger than the grid \(4, 5\)"),
        ({"bias": (3,)}, r"expected a bias \(2,\) float64, got \(3,\) float64"),
        (
            {"bias": (2,), "dtypes": ("complex128", "float64", "float32")},
            r"expected a bias \(2,\) float64, got \(2,\) float32",
        ),
    ],
)
def test_shapes_and_dtypes_that_do_not_fit_are_refused(be, name, changes, message):
    with pytest.raises(ValueError, match=f"^{name}: {message}$"):
        conv(be, name, grid=(4, 5), **changes)


@both
@pytest.mark.parametrize("changes", [{"grid": (4, 4)}, {"norm": "backward"}, {"grid": (4, 5), "norm": "backward"}])
def test_a_grid_or_norm_that_contradicts_the_spectrum_is_refused(be, name, changes):
    X = spectrum_tensor(be, np.zeros((4, 3, 2, 3), complex), (4, 5))
    what = r"(grid \(4, 4\)|norm backward) contradicts the spectrum's own (\(4, 5\)|ortho)"
    with pytest.raises(ValueError, match=f"^{name}: {what}$"):
        getattr(ops, name)(X, Tensor(be.xp.ones((2, 3, 3, 3))), **changes)


@both
def test_an_unknown_norm_is_refused(be, name):
    with pytest.raises(ValueError, match=f"^{name}: unknown norm 'forward', expected 'ortho' or 'backward'$"):
        conv(be, name, grid=(4, 5), norm="forward")
