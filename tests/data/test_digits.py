import hashlib
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage

import specframe.data
from specframe.data import DataError, Digits, digits
from specframe.data.digits import enlarge

FILE = Path(specframe.data.__file__).with_name("digits.npz")


def test_bundled_file_is_small_and_unchanged():
    assert FILE.stat().st_size < 60_000
    with np.load(FILE) as file:
        images, labels = file["images"], file["labels"]
    assert images.shape == (1797, 8, 8) and images.dtype == np.uint8 and images.max() == 16
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert hashlib.md5(images.tobytes() + labels.tobytes()).hexdigest() == "7696c07daa6d85010f8268703ab8b067"


def test_attribution_lies_beside_the_file():
    text = FILE.with_name("DIGITS.md").read_text(encoding="utf-8")
    for part in ("Alpaydin", "Kaynak", "10.24432/C50P49", "CC BY 4.0", "What we changed"):
        assert part in text


@pytest.mark.parametrize(("split", "count"), [("train", 1437), ("test", 360)])
def test_digits_look_like_mnist(split, count):
    data = Digits(split)
    assert data.images.shape == (count, 1, 28, 28) and data.images.dtype == np.float32
    assert data.labels.shape == (count,) and data.labels.dtype == np.int64
    assert np.bincount(data.labels, minlength=10).min() >= 0.09 * count
    assert data.images.min() == 0 and data.images.max() == 1
    border = data.images.copy()
    border[:, :, 4:24, 4:24] = 0
    assert not border.any()


def test_splits_are_the_two_parts_of_the_file():
    with np.load(FILE) as file:
        labels = file["labels"]
    assert np.concatenate([Digits("train").labels, Digits("test").labels]).tolist() == labels.tolist()


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="Digits: expected the split 'train' or 'test', got 'all'"):
        Digits("all")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: b"",
        lambda content: content[:999] + b"x" + content[1000:],
        lambda content: content * 2,
    ],
)
def test_damaged_file_is_a_sentence(tmp_path, monkeypatch, damage):
    path = tmp_path / "digits.npz"
    path.write_bytes(damage(FILE.read_bytes()))
    monkeypatch.setattr(digits, "FILE", path)
    with pytest.raises(DataError) as caught:
        Digits()
    assert str(caught.value) == f"{path}: the file is damaged (another SHA-256): install specframe again"


def test_missing_file_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(digits, "FILE", tmp_path / "absent")
    with pytest.raises(DataError, match=r"absent: the file cannot be read: No such file"):
        Digits()


def test_classes_are_the_digits():
    assert Digits("test").classes == tuple("0123456789")


def test_enlarge_agrees_with_scipy():
    images = np.random.default_rng(0).random((2, 8, 8))
    centres = (np.arange(20) + 0.5) * 8 / 20 - 0.5
    grid = np.meshgrid(centres, centres, indexing="ij")
    expected = [scipy.ndimage.map_coordinates(image, grid, order=1, mode="nearest") for image in images]
    np.testing.assert_allclose(enlarge(images, 20), expected, atol=1e-12)


def test_enlarge_keeps_a_constant_and_the_dtype():
    images = np.full((1, 8, 8), 0.5, np.float32)
    assert enlarge(images, 20).dtype == np.float32
    np.testing.assert_allclose(enlarge(images, 20), 0.5, rtol=1e-6)
