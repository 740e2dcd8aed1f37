"""gradcheck accepts the rules in specframe.ops and rejects every one with a part left out.

Each wrong rule is a real op with its backward replaced: the mistakes that a reader of the paper, or a port from another
project, would make.
"""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck, ops
from specframe.gradcheck import GradcheckError
from specframe.ops import _kernel
from specframe.ops.batch_norm2d import BatchNorm2d
from specframe.ops.conv2d import Conv2d
from specframe.ops.fourier import IRFFT2, RFFT2
from specframe.ops.pointwise import ReLU
from specframe.ops.pooling import MaxPool2d
from specframe.ops.softmax_cross_entropy import SoftmaxCrossEntropy
from specframe.ops.spectral_conv2d import SpectralConv2d
from specframe.ops.split_tanh import SplitTanh
from specframe.ops.threshold import Threshold
from specframe.spectrum import Spectrum, column_weights
from specframe.tape import Op, apply
from tests.ops.common import normal

GRIDS = [(4, 5), (5, 6)]
REJECTED = r"finite differences give .*, the backward .* \(relative difference"


def rejected(fn, *arrays, **options):
    with pytest.raises(GradcheckError, match=REJECTED):
        gradcheck(fn, *arrays, **options)


# ---- planted: transforms ---------------------------------------------------------------------------------------


def column_factors(ctx, s):
    return ctx.backend.asarray(column_weights(s.grid[1])[:, None, None])


class RFFT2WithColumnWeights(RFFT2):
    """gx = irfft2(gX): the division by m is missing."""

    @staticmethod
    def backward(ctx, gX):
        return RFFT2.backward(ctx, gX * column_factors(ctx, ctx.spectrum))


class RFFT2WithoutConjugate(RFFT2):
    """F^T for F^H."""

    @staticmethod
    def backward(ctx, gX):
        return RFFT2.backward(ctx, ctx.xp.conj(gX))


class RFFT2OfTheOtherNorm(RFFT2):
    """The inverse for the adjoint: in the "backward" norm a factor P W is missing."""

    @staticmethod
    def backward(ctx, gX):
        s = ctx.spectrum
        return RFFT2.backward(ctx, gX) * (s.dc_gain**-2 * s.grid[0] * s.grid[1])


class IRFFT2WithoutColumnWeights(IRFFT2):
    """gZ = rfft2(gy): m is missing."""

    @staticmethod
    def backward(ctx, gy):
        return IRFFT2.backward(ctx, gy) / column_factors(ctx, ctx.source)


class IRFFT2OfTheOtherNorm(IRFFT2):
    """The inverse for the adjoint: in the "backward" norm a factor P W is too much."""

    @staticmethod
    def backward(ctx, gy):
        s = ctx.source
        return IRFFT2.backward(ctx, gy) * (s.dc_gain**2 / s.grid[0] / s.grid[1])


def rfft2(op, grid, norm="ortho"):
    return lambda x: apply(op, x, grid=grid, norm=norm)


def irfft2(op, grid, norm="ortho"):
    return lambda Z: apply(op, Z, s=Spectrum(grid, grid, norm))


@pytest.mark.parametrize("grid", GRIDS)
def test_rules_for_rfft2(be, rng, grid):
    x = be.asarray(normal(rng, (3, 4, 2, 1)))
    for norm in ("ortho", "backward"):
        gradcheck(rfft2(RFFT2, grid, norm), x, linear=True, rtol=1e-8)
        rejected(rfft2(RFFT2WithColumnWeights, grid, norm), x)
        rejected(rfft2(RFFT2WithoutConjugate, grid, norm), x)
    gradcheck(rfft2(RFFT2OfTheOtherNorm, grid, "ortho"), x)  # there the two are the same
    rejected(rfft2(RFFT2OfTheOtherNorm, grid, "backward"), x)


@pytest.mark.parametrize("grid", GRIDS)
def test_rules_for_irfft2(be, rng, grid):
    Z = be.asarray(normal(rng, (grid[0], grid[1] // 2 + 1, 2, 1), np.complex128))
    for norm in ("ortho", "backward"):
        gradcheck(irfft2(IRFFT2, grid, norm), Z, linear=True, rtol=1e-8)
        rejected(irfft2(IRFFT2WithoutColumnWeights, grid, norm), Z)
    rejected(irfft2(IRFFT2OfTheOtherNorm, grid, "backward"), Z)


class Fourier(Op):
    """The full transform of a vector, with its adjoint."""

    name = "fourier"

    @staticmethod
    def matrix(ctx, n):
        k = np.arange(n)
        return ctx.backend.asarray(np.exp(-2j * np.pi * np.outer(k, k) / n))

    @classmethod
    def forward(cls, ctx, x):
        return cls.matrix(ctx, x.size) @ x

    @classmethod
    def backward(cls, ctx, gy):
        return ctx.xp.conj(cls.matrix(ctx, gy.size)) @ gy


class FourierForItsAdjoint(Fourier):
    @classmethod
    def backward(cls, ctx, gy):
        return cls.matrix(ctx, gy.size) @ gy


def test_the_transform_for_its_adjoint_is_rejected_though_a_sum_as_the_loss_would_not_see_it(be, rng):
    x = be.asarray(normal(rng, 8, np.complex128))
    gradcheck(lambda x: apply(Fourier, x), x, linear=True, rtol=1e-8)
    rejected(lambda x: apply(FourierForItsAdjoint, x), x)
    gradients = []
    for op in (Fourier, FourierForItsAdjoint):
        leaf = Tensor(x, requires_grad=True)
        with Tape() as tape:
            y = apply(op, leaf)
        tape.backward(y, be.xp.ones(8, complex))
        gradients.append(be.to_host(leaf.grad))
    np.testing.assert_allclose(*gradients, atol=1e-13)  # F 1 = F^H 1: hence the random cotangent


# ---- planted: the spectral convolution -------------------------------------------------------------------------


def kernel_matrix(ctx):
    weight = ctx["weight"].dense()
    return _kernel.matrix(ctx.backend, ctx.spectrum.grid, weight.shape[-1], weight.dtype)


class ConvWithoutConjugateOfK(SpectralConv2d):
    """gX = gY @ K^T, eq. (3) as printed."""

    @staticmethod
    def backward(ctx, gY):
        _, gk, gb = SpectralConv2d.backward(ctx, gY)
        K = _kernel.spectrum_of(ctx.xp, kernel_matrix(ctx), ctx["weight"].dense())
        return ctx.xp.matmul(gY, ctx.xp.swapaxes(K, 2, 3)), gk, gb


class ConvWithoutConjugateOfX(SpectralConv2d):
    """gK = X^T @ gY, eq. (3) as printed."""

    @staticmethod
    def backward(ctx, gY):
        gX, _, gb = SpectralConv2d.backward(ctx, gY)
        gK = ctx.xp.matmul(ctx.xp.swapaxes(ctx["X"].dense(), 2, 3), gY)
        return gX, _kernel.adjoint(ctx.xp, kernel_matrix(ctx), gK), gb


class ConvWithETransposed(SpectralConv2d):
    """gk = Re(E^T gK): the transform of the kernel for its adjoint."""

    @staticmethod
    def backward(ctx, gY):
        gX, _, gb = SpectralConv2d.backward(ctx, gY)
        gK = ctx.backend.matmul(ctx["X"].dense(), gY, adjoint_a=True)
        return gX, _kernel.adjoint(ctx.xp, kernel_matrix(ctx), ctx.xp.conj(gK)), gb


class ConvWithColumnWeights(SpectralConv2d):
    """gk with every mirrored column counted twice, which gY has done already."""

    @staticmethod
    def backward(ctx, gY):
        gX, _, gb = SpectralConv2d.backward(ctx, gY)
        return gX, SpectralConv2d.backward(ctx, gY * column_factors(ctx, ctx.spectrum))[1], gb


class ConvWithoutBiasFactor(SpectralConv2d):
    """gb = Re(sum of gY[0, 0]): sqrt(P W) is missing."""

    @staticmethod
    def backward(ctx, gY):
        gX, gk, gb = SpectralConv2d.backward(ctx, gY)
        return gX, gk, gb / ctx.spectrum.dc_gain


class ConvWithTheWrongSign(SpectralConv2d):
    """gk = -..., as eq. (4) adds where descent subtracts."""

    @staticmethod
    def backward(ctx, gY):
        gX, gk, gb = SpectralConv2d.backward(ctx, gY)
        return gX, -gk, gb


CONV_RULES = {  # wrong rule: the input at which it is rejected
    ConvWithoutConjugateOfK: 0, ConvWithoutConjugateOfX: 1, ConvWithETransposed: 1, ConvWithColumnWeights: 1,
    ConvWithoutBiasFactor: 2, ConvWithTheWrongSign: 1,
}  # fmt: skip


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("norm", ["ortho", "backward"])
def test_rules_for_the_spectral_convolution(be, rng, grid, norm):
    X = normal(rng, (grid[0], grid[1] // 2 + 1, 2, 3), np.complex128)
    arrays = [be.asarray(a) for a in (X, normal(rng, (2, 3, 3, 3)), normal(rng, 2))]
    s = Spectrum(grid, grid, norm)
    gradcheck(lambda *a: apply(SpectralConv2d, *a, s=s), *arrays, linear=True, rtol=1e-8)
    for op, place in CONV_RULES.items():
        with pytest.raises(GradcheckError, match=f"^gradcheck: input {place}, direction 0: {REJECTED}"):
            gradcheck(lambda *a, op=op: apply(op, *a, s=s), *arrays)


# ---- planted: threshold, activations and the spatial ops ----------------------------------------------------------


class ThresholdWithoutMask(Threshold):
    @staticmethod
    def backward(ctx, g):
        return g


class TanhOfTheWholeNumber(SplitTanh):
    """(1 - Z^2) gZ with complex Z, as if tanh were applied to the complex number."""

    @staticmethod
    def backward(ctx, gZ):
        Z = ctx["Z"].dense() / ctx.scale
        return gZ * ctx.xp.conj(1 - Z * Z)


class TanhWithoutScale(SplitTanh):
    """1 - Z^2, part by part, right only for a = 1."""

    @staticmethod
    def backward(ctx, gZ):
        ctx.scale = 1.0
        return SplitTanh.backward(ctx, gZ)


class MaxPoolToAll(MaxPool2d):
    """Every entry of the window gets the gradient."""

    @staticmethod
    def backward(ctx, gy):
        return ctx.xp.repeat(ctx.xp.repeat(gy, 2, axis=0), 2, axis=1)


class ReLUWithoutSigns(ReLU):
    @staticmethod
    def backward(ctx, gy):
        return gy


class Conv2dFlipped(Conv2d):
    """gk of a true convolution."""

    @staticmethod
    def backward(ctx, gy):
        gx, gk, gb = Conv2d.backward(ctx, gy)
        return gx, gk[:, :, ::-1, ::-1], gb


class NormWithFixedStatistics(BatchNorm2d):
    """gx = gamma / sigma gy, as in evaluation: the statistics depend on x too."""

    @staticmethod
    def backward(ctx, gy):
        _, ggamma, gbeta = BatchNorm2d.backward(ctx, gy)
        return gy * (ctx["gamma"].dense() / ctx.sigma), ggamma, gbeta


class LossOfTheSum(SoftmaxCrossEntropy):
    """The mean over the batch is forgotten."""

    @staticmethod
    def backward(ctx, gy):
        gx = SoftmaxCrossEntropy.backward(ctx, gy)
        return gx * gx.shape[0]


def test_rules_for_the_threshold(be, rng):
    Y = be.asarray(normal(rng, (4, 3, 2, 2), np.complex128))
    for op, check in ((Threshold, gradcheck), (ThresholdWithoutMask, rejected)):
        check(lambda Y, op=op: apply(op, Y, beta=1.0, s=None), Y)


@pytest.mark.parametrize("wrong", [TanhOfTheWholeNumber, TanhWithoutScale])
def test_rules_for_split_tanh(be, rng, wrong):
    Y = be.asarray(normal(rng, (4, 3, 2, 2), np.complex128))
    for op, check in ((SplitTanh, gradcheck), (wrong, rejected)):
        check(lambda Y, op=op: apply(op, Y, scale=2.0, s=None), Y)


@pytest.mark.parametrize(
    ("right", "wrong", "shapes", "options"),
    [
        (MaxPool2d, MaxPoolToAll, [(4, 4, 2, 1)], {"size": (2, 2), "stride": (2, 2)}),
        (ReLU, ReLUWithoutSigns, [(4, 4, 2, 1)], {}),
        (Conv2d, Conv2dFlipped, [(4, 4, 2, 2), (2, 2, 3, 3), (2,)], {"stride": (1, 1), "padding": ((1, 1), (1, 1))}),
        (
            BatchNorm2d, NormWithFixedStatistics, [(4, 4, 2, 2), (2,), (2,)],
            {"running": None, "training": True, "momentum": 0.1, "eps": 1e-5},
        ),
    ],
)  # fmt: skip
def test_rules_for_the_spatial_ops(be, rng, right, wrong, shapes, options):
    arrays = [be.asarray(normal(rng, shape)) for shape in shapes]
    for op, check in ((right, gradcheck), (wrong, rejected)):
        check(lambda *a, op=op: apply(op, *a, **options), *arrays)


def test_rules_for_the_loss(be, rng):
    x, labels = be.asarray(normal(rng, (3, 4))), be.asarray(np.array([1, 0, 3]))
    for op, check in ((SoftmaxCrossEntropy, gradcheck), (LossOfTheSum, rejected)):
        check(lambda x, op=op: apply(op, x, labels=labels), x)


# ---- the checker itself ----------------------------------------------------------------------------------------


class Square(Op):
    """x * x; subclasses get the backward wrong."""

    name = "square"

    @staticmethod
    def forward(ctx, x):
        ctx.save(x=x)
        return x * x

    @staticmethod
    def backward(ctx, gy):
        return 2 * gy * ctx["x"].dense()


class Constant(Square):
    @staticmethod
    def backward(ctx, gy):
        return ctx.xp.full(gy.shape, 123.0)


class Zero(Square):
    @staticmethod
    def backward(ctx, gy):
        return ctx.xp.zeros(gy.shape)


class NotANumber(Square):
    @staticmethod
    def backward(ctx, gy):
        return ctx.xp.full(gy.shape, float("nan"))


class OffByALittle(Square):
    @staticmethod
    def backward(ctx, gy):
        return Square.backward(ctx, gy) * (1 + 1e-5)


class Missing(Square):
    @staticmethod
    def backward(ctx, gy):
        return None


class SpoilsItsInputForward(Square):
    @staticmethod
    def forward(ctx, x):
        y = Square.forward(ctx, x)
        x *= 1.5
        return y


class SpoilsItsInputBackward(Square):
    @staticmethod
    def backward(ctx, gy):
        gx = Square.backward(ctx, gy)
        saved = ctx["x"].dense()
        saved *= 1.5
        return gx


@pytest.fixture
def x(be, rng):
    return be.asarray(normal(rng, (3, 4)))


def test_a_right_rule_passes_and_the_largest_difference_is_returned(x):
    assert 0 <= gradcheck(lambda x: apply(Square, x), x) < 1e-8


@pytest.mark.parametrize("op", [Constant, Zero, NotANumber, OffByALittle])
def test_a_gradient_that_is_constant_zero_nan_or_slightly_off_is_rejected(x, op):
    rejected(lambda x: apply(op, x), x)


def test_the_message_names_the_input_the_direction_and_both_numbers(be):
    one = be.xp.ones(1)
    with pytest.raises(GradcheckError, match=f"^gradcheck: input 1, direction 0: {REJECTED}") as caught:
        gradcheck(lambda a, b: a + apply(Zero, b), one, one)
    assert "the backward 0 (relative difference 1, accepted 1e-06)" in str(caught.value)


@pytest.mark.parametrize("op", [SpoilsItsInputForward, SpoilsItsInputBackward])
def test_an_input_that_was_modified_is_rejected(x, op):
    with pytest.raises(GradcheckError, match=r"^gradcheck: input 0 was modified by the forward or the backward$"):
        gradcheck(lambda x: apply(op, x), x)


def test_a_missing_gradient_is_rejected(x):
    with pytest.raises(GradcheckError, match=r"^gradcheck: input 0 got no gradient$"):
        gradcheck(lambda x: apply(Missing, x), x)
    with pytest.raises(GradcheckError, match=r"^gradcheck: input 1 got no gradient$"):
        gradcheck(lambda a, b: a * 2, x, x)


def test_every_input_is_checked(x):
    for i in range(3):
        ops_of_inputs = [Constant if j == i else Square for j in range(3)]
        with pytest.raises(GradcheckError, match=f"^gradcheck: input {i}, "):
            gradcheck(lambda *a, o=ops_of_inputs: sum((apply(op, t) for op, t in zip(o, a, strict=True)), 0.0), x, x, x)


def test_a_linear_op_is_checked_to_rounding_and_a_curved_one_is_not_taken_for_linear(x):
    assert gradcheck(lambda x: x * 3 - 1, x, linear=True, rtol=1e-8) < 1e-12
    rejected(lambda x: ops.tanh(x), x, linear=True)


def test_a_constant_function_has_a_zero_gradient(x):
    assert gradcheck(lambda x: x * 0.0, x) == 0


@pytest.mark.parametrize("dtype", ["float32", "complex64"])
def test_single_precision_is_refused(be, dtype):
    with pytest.raises(TypeError, match=f"^gradcheck: input 1 is {dtype}; use float64 or complex128$"):
        gradcheck(ops.add, be.xp.ones(2), be.xp.ones(2, dtype))


def test_the_same_seed_draws_the_same_directions(x):
    def fn(x):
        return ops.tanh(x)

    assert gradcheck(fn, x) == gradcheck(fn, x) != gradcheck(fn, x, seed=1)


@pytest.mark.parametrize("store", ["dense", "csr", "mask", "auto"])
def test_the_store_is_handed_to_the_tape(x, store):
    gradcheck(lambda x: ops.tanh(x) * x, x, store=store)
    with pytest.raises(ValueError, match="unknown recompute 'all'"):
        gradcheck(ops.tanh, x, store=store, recompute="all")
