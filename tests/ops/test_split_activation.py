"""split_activation: one contract for all activations, their values, slopes from the output, and what is refused."""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from specframe.gradcheck import GradcheckError
from specframe.ops.split_activation import ACTIVATIONS, SplitActivation
from specframe.tape import apply
from tests.kit.oracles import dft2
from tests.ops.common import normal, run, spectrum_tensor, value

# f(x), f'(x) from the input, and where f ends: written independently of the table
NAIVE = {
    "tanh": (lambda x: 1 - 2 / (np.exp(2 * x) + 1), lambda x: 1 / np.cosh(x) ** 2, 1.0),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2, 1.0),
    "hardtanh": (lambda x: np.where(abs(x) < 1, x, np.sign(x)), lambda x: np.where(abs(x) < 1, 1.0, 0.0), 1.0),
    "arctan": (lambda x: np.angle(1 + 1j * x), lambda x: 1 / (1 + x**2), np.pi / 2),
}
every_activation = pytest.mark.parametrize("activation", NAIVE)
every_scale = pytest.mark.parametrize("scale", [0.5, 1.0, 3.0, 49.0])


def act(activation, scale=1.0):
    return lambda Y: ops.split_activation(Y, activation, scale)


def clear_of_kinks(rng, shape, scale):
    """Parts around the scale on both sides, none within a thousandth of it, where hardtanh has its kinks."""
    parts = rng.standard_normal((*shape, 2)) * 2
    parts[abs(abs(parts) - 1) < 1e-3] += 0.01
    return (parts[..., 0] + 1j * parts[..., 1]) * scale


def test_no_activation_is_missing_here():
    assert sorted(ACTIVATIONS) == sorted(NAIVE)


@every_scale
@every_activation
def test_the_contract(be, rng, activation, scale):
    """What section 3.2 asks for: odd, nondecreasing, a cheap gradient; and what follows: symmetry and zeros survive."""
    f = act(activation, scale)
    x = np.sort(normal(rng, 200) * 3 * scale)
    y = value(be, f, x.astype(complex)).real
    np.testing.assert_array_equal(value(be, f, -x.astype(complex)).real, -y)  # odd
    assert (np.diff(y) >= 0).all()  # nondecreasing
    assert (abs(y) <= scale * NAIVE[activation][2] * (1 + 1e-15)).all()  # bounded

    Y = clear_of_kinks(rng, (4, 3, 2, 3), scale)
    np.testing.assert_array_equal(value(be, f, Y).imag, value(be, f, 1j * Y.imag).imag)  # the same on both parts
    np.testing.assert_array_equal(value(be, f, Y).imag, value(be, f, Y.imag.astype(complex)).real)
    gradcheck(f, be.asarray(Y))

    Z = value(be, f, dft2(normal(rng, (5, 6, 1, 2)), (5, 6)) * scale)
    for q in (0, 3):  # Hermitian symmetry of the edge columns, eq. (8)
        np.testing.assert_allclose(np.roll(Z[::-1, q], 1, axis=0).conj(), Z[:, q], atol=1e-13 * scale)

    zero, (gradient,) = run(be, f, np.zeros(2, complex), gy=np.array([1 + 2j, 3 - 1j]))
    np.testing.assert_array_equal(zero, 0)  # zero stays zero
    np.testing.assert_array_equal(gradient, [1 + 2j, 3 - 1j])  # with slope 1


@every_scale
@every_activation
@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_value_and_gradient(be, rng, activation, scale, dtype):
    f, slope, _ = NAIVE[activation]
    Y, gZ = clear_of_kinks(rng, (4, 3, 2, 3), scale).astype(dtype), normal(rng, (4, 3, 2, 3), dtype)
    Z, (gY,) = run(be, act(activation, scale), Y, gy=gZ)
    u, v = Y.real.astype(float) / scale, Y.imag.astype(float) / scale
    atol = 1e-14 if dtype == np.complex128 else 3e-6
    np.testing.assert_allclose(Z / scale, f(u) + 1j * f(v), rtol=0, atol=atol)
    np.testing.assert_allclose(gY, slope(u) * gZ.real + 1j * slope(v) * gZ.imag, rtol=0, atol=10 * atol)
    assert Z.dtype == gY.dtype == dtype


@every_activation
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (7,), ()])
def test_any_shape_real_or_complex(be, rng, activation, shape):
    Y = clear_of_kinks(rng, shape, 2.0)
    gradcheck(act(activation, 2.0), be.asarray(np.asarray(Y)))
    gradcheck(act(activation, 2.0), be.asarray(np.asarray(Y.real)))


@every_activation
def test_an_array_that_is_not_contiguous(be, rng, activation):
    Y = clear_of_kinks(rng, (3, 4), 1.0)
    transposed = be.asarray(Y).T
    np.testing.assert_allclose(
        ops.split_activation(Tensor(transposed), activation).numpy().imag, NAIVE[activation][0](Y.T.imag), atol=1e-14
    )
    gradcheck(act(activation), transposed)


@every_activation
@pytest.mark.parametrize(("dtype", "huge"), [(np.complex128, 1e300), (np.complex64, 1e30)])
def test_huge_parts_end_at_the_bound_and_pass_no_gradient(be, activation, dtype, huge):
    Z, (gY,) = run(be, act(activation, 4.0), np.array([huge - 1j * huge], dtype), gy=np.array([1 + 1j], dtype))
    bound = 4 * NAIVE[activation][2]
    np.testing.assert_allclose(Z, [bound - 1j * bound], rtol=1e-6)
    assert abs(gY[0]) < 1e-12


@pytest.mark.parametrize("scale", [1.0, 3.0, 0.1, 49.0])
@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_hardtanh_at_exactly_the_scale_counts_as_saturated(be, scale, dtype):
    a = dtype(scale).real
    inside = np.nextafter(a, a.dtype.type(0))
    Z, (gY,) = run(
        be, act("hardtanh", scale), np.array([a - 1j * a, inside - 1j * inside, 2 * a], dtype),
        gy=np.array([1 + 2j, 3 + 4j, 5 + 6j], dtype),
    )  # fmt: skip
    assert Z[0] == a - 1j * a and Z[2] == a
    np.testing.assert_array_equal(gY, [0, 3 + 4j, 6j])  # the zero part of the last one passes its gradient


@pytest.mark.parametrize("scale", [1.0, 4.0])
def test_split_tanh_is_the_row_tanh(be, rng, scale):
    Y, gZ = normal(rng, (3, 4), np.complex128), normal(rng, (3, 4), np.complex128)
    one, (g_one,) = run(be, act("tanh", scale), Y, gy=gZ)
    other, (g_other,) = run(be, lambda Y: ops.split_tanh(Y, scale), Y, gy=gZ)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(g_one, g_other)


def test_tanh_with_scale_one_is_the_default(be, rng):
    Y = normal(rng, (3, 4), np.complex128)
    np.testing.assert_array_equal(value(be, ops.split_activation, Y), np.tanh(Y.real) + 1j * np.tanh(Y.imag))


@every_activation
def test_only_the_output_issaved_and_the_metadata_passed_on(be, rng, activation):
    Y = spectrum_tensor(be, normal(rng, (4, 3, 1, 1), np.complex128), (4, 5), size=(3, 4), norm="backward")
    Y.requires_grad = True
    with Tape("dense") as tape:
        Z = ops.split_activation(Y, activation)
    assert tape.ledger.nbytes == Z.data.nbytes and Z.spectrum == Y.spectrum


@every_activation
def test_nan_is_not_hidden(be, activation):
    assert np.isnan(value(be, act(activation), np.array([complex(np.nan, 0), 1j]))[0])


class SlopeOfTheInput(SplitActivation):
    """The slope at the output taken for the slope at the input: f'(z) for f'(x)."""

    @staticmethod
    def backward(ctx, gZ):
        slope, z = NAIVE[ctx.activation][1], ctx.backend.to_host(ctx["Z"].dense()) / ctx.scale
        g = ctx.backend.to_host(gZ)
        return ctx.backend.asarray(slope(z.real) * g.real + 1j * slope(z.imag) * g.imag)


@pytest.mark.parametrize("activation", ["tanh", "softsign", "arctan"])  # for hardtanh it differs at the bound only
def test_the_slope_at_the_wrong_place_is_rejected(be, rng, activation):
    Y = be.asarray(normal(rng, (4, 3, 2, 2), np.complex128))
    with pytest.raises(GradcheckError, match="finite differences give"):
        gradcheck(lambda Y: apply(SlopeOfTheInput, Y, activation=activation, scale=2.0, s=None), Y)


@every_activation
@pytest.mark.parametrize("scale", [0, -1.0, float("nan")])
def test_a_scale_not_above_zero_is_refused(be, activation, scale):
    message = f"^split_activation: the scale of {activation} must be above 0, got {scale}$"
    with pytest.raises(ValueError, match=message):
        ops.split_activation(Tensor(be.xp.ones(2, complex)), activation, scale)


def test_an_unknown_activation_is_refused(be):
    message = "^split_activation: unknown activation 'relu', choose tanh, softsign, hardtanh, arctan$"
    with pytest.raises(ValueError, match=message):
        ops.split_activation(Tensor(be.xp.ones(2, complex)), "relu")
