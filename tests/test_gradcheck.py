"""gradcheck accepts the rules in specframe.ops and rejects every one with a part left out.

Each wrong rule is a real op with its backward replaced: the mistakes that a reader of the paper, or a port from another
project, would make.
"""

import numpy as np
import pytest

from specframe import Tape, Tensor, gradcheck
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
