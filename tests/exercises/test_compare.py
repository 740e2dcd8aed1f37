"""What a sentence about an array says."""

import numpy as np
import pytest

from specframe.exercises.compare import Wrong, exactly, same

WANT = np.arange(1.0, 13.0).reshape(4, 3)


def changed(place, value):
    got = WANT.copy()
    got[place] = value
    return got


@pytest.mark.parametrize(
    ("got", "sentence"),
    [
        (None, "gx is None, expected an array of shape (4, 3)"),
        ([1.0], "gx is of type list, expected an array of shape (4, 3)"),
        (np.array("seven"), "gx is of type str, expected numbers of shape (4, 3)"),
        (WANT.T, "gx has the shape (3, 4), expected (4, 3)"),
        (WANT + 0j, "gx is complex (complex128), expected a real array: what is real has a real gradient"),
        (changed((2, 1), np.nan), "gx is not finite in 1 of 12 entries"),
        (
            changed((2, 1), 9.0),
            "gx is wrong in 1 of 12 entries; most at [2, 1], where it is 9 and 8 was expected",
        ),
        (
            changed((slice(None), 1), 0.0),
            "gx is wrong in 4 of 12 entries (all with index 1 of axis 1); "
            "most at [3, 1], where it is 0 and 11 was expected",
        ),
        (
            2 * WANT,
            "gx is wrong in 12 of 12 entries; most at [3, 2], where it is 24 and 12 was expected; "
            "everywhere it is 2 times the right array",
        ),
    ],
)  # fmt: skip
def test_it_says_where_and_by_how_much(got, sentence):
    with pytest.raises(Wrong) as wrong:
        same("gx", got, WANT)
    assert str(wrong.value).startswith(sentence) and (sentence[-1] == "y" or str(wrong.value) == sentence)


def test_a_conjugate_is_recognised():
    want = np.array([1 + 2j, 3 - 1j])
    with pytest.raises(Wrong, match=r"; it is the conjugate of the right array$"):
        same("gz", want.conj(), want)


def test_a_single_number_has_a_short_sentence():
    with pytest.raises(Wrong, match=r"^the bytes is 1,200, and 1,300 was expected$"):
        same("the bytes", 1200, 1300)


@pytest.mark.parametrize("got", [WANT, WANT + 1e-9, WANT.astype("f4"), WANT.astype(int)])
def test_what_is_right_up_to_rounding_passes(got):
    same("gx", got, WANT)


@pytest.mark.parametrize("want", [np.array([np.nan, np.inf, 1.0]), np.zeros(3), np.zeros((0, 2)), np.float64(3)])
def test_every_array_is_itself(want):
    same("y", want, want)


def test_infinities_of_other_signs_differ():
    with pytest.raises(Wrong):
        same("y", np.array([-np.inf]), np.array([np.inf]))


@pytest.mark.parametrize(
    ("got", "sentence"),
    [
        (1000, "the total is 24 bytes too small"),
        (3072.0, "the total is 2,048.0 bytes too large"),
        ("1024", "the total is of type str, expected a number of bytes"),
        (None, "the total is None, expected a number of bytes"),
    ],
)
def test_bytes_are_exact(got, sentence):
    exactly("the total", 1024, 1024)
    with pytest.raises(Wrong, match=f"^{sentence}$"):
        exactly("the total", got, 1024)
