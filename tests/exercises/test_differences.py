"""The gradients that know no rule are right, and an op whose rule is wrong is refused with the name of the array."""

import numpy as np
import pytest

import specframe as sf
from specframe.exercises.compare import Wrong
from specframe.exercises.differences import check_gradcheck, check_op, normal, saved_bytes, slopes


class Scale(sf.Op):
    """y = w z, and its rule; a subclass plants a mistake."""

    name = "scale"

    @staticmethod
    def forward(ctx, z, w):
        ctx.save(z=z, w=w)
        return w * z

    @staticmethod
    def backward(ctx, g):
        return ctx["w"].dense().conj() * g, (ctx["z"].dense().conj() * g).sum(axis=0)


class WithoutConjugate(Scale):
    @staticmethod
    def backward(ctx, g):
        return ctx["w"].dense().conj() * g, (ctx["z"].dense() * g).sum(axis=0)


class OtherForward(Scale):
    @staticmethod
    def forward(ctx, z, w):
        return 2 * Scale.forward(ctx, z, w)


class WritesToItsInput(Scale):
    @staticmethod
    def forward(ctx, z, w):
        y = Scale.forward(ctx, z, w).copy()
        w *= 2
        return y


def inputs(rng):
    return {"z": normal(rng, 3, 2, complex=True), "w": normal(rng, 2, complex=True)}


def test_slopes_are_those_of_the_two_parts(rng):
    z, g = normal(rng, 4, complex=True), normal(rng, 4)
    np.testing.assert_allclose(slopes(lambda z: abs(z) ** 2, [z], 0, g), 2 * z * g, atol=1e-8)
    np.testing.assert_allclose(slopes(lambda z: z.real, [z], 0, g), g, atol=1e-8)
    x = normal(rng, 3, 2)
    np.testing.assert_allclose(slopes(lambda a, x: a * np.sin(x), [2.0, x], 1, x), 2 * np.cos(x) * x, atol=1e-8)


def test_a_right_op_passes(rng):
    check_op(Scale, inputs(rng), lambda z, w: w * z)
    assert check_gradcheck(Scale, *inputs(rng).values()) < 1e-6


@pytest.mark.parametrize(
    ("op", "sentence"),
    [
        (WithoutConjugate, r"^gw is wrong in 2 of 2 entries"),
        (
            OtherForward,
            r"^the result of forward is wrong in 6 of 6 entries.*; everywhere it is 2 times the right array$",
        ),
        (WritesToItsInput, r"^w was changed by the forward or the backward$"),
    ],
)
def test_a_wrong_op_is_refused_by_the_name_of_the_array(rng, op, sentence):
    with pytest.raises(Wrong, match=sentence):
        check_op(op, inputs(rng), lambda z, w: w * z)


def test_gradchecks_refusal_is_a_sentence(rng):
    with pytest.raises(Wrong, match=r"^gradcheck: input 1, direction 0: finite differences give"):
        check_gradcheck(WithoutConjugate, *inputs(rng).values())


class Square(sf.Op):
    name = "square"

    @staticmethod
    def forward(ctx, x):
        ctx.save(x=x)
        return x * x


def test_an_input_that_is_saved_counts(rng):
    assert saved_bytes(Square, normal(rng, 5, 4)) == 5 * 4 * 8
