import hashlib
import io
import os
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from specframe.data import SVHN, DataError, svhn
from specframe.data.files import DataFile

ROOT = Path(os.environ.get("SPECFRAME_DATA", "nowhere"))  # read before the fixture hides it
NAME = "train_32x32.mat"
real = pytest.mark.skipif(
    not any((folder / NAME).exists() for folder in (ROOT, ROOT / "svhn")),
    reason="SPECFRAME_DATA does not name a folder with the SVHN files",
)

X = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 4), np.uint8)
Y = np.array([[1], [10], [9], [10]], np.uint8)


def mat_bytes(compressed=True, **variables):
    buffer = io.BytesIO()
    savemat(buffer, {"X": X, "y": Y, **variables}, do_compression=compressed)
    return buffer.getvalue()


@pytest.fixture
def write(tmp_path):
    """write(bytes, or variables other than X and Y) -> path of a training file in a folder "sets/svhn"."""

    def write(content=None, **variables):
        path = tmp_path / "sets" / "svhn" / NAME
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mat_bytes(**variables) if content is None else content)
        return path

    return write


def refused(path):
    """The message with which a file is refused; it must begin with the file's name."""
    with pytest.raises(DataError) as caught:
        SVHN("train", path.parent)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


# ---- what is read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [True, False])
def test_variables_become_images_and_labels(write, tmp_path, compressed):
    write(compressed=compressed)
    data = SVHN("train", tmp_path / "sets", normalize=False)
    assert data.images.shape == (4, 3, 32, 32) and data.images.dtype == np.float32
    assert (data.num_classes, data.name, len(data)) == (10, "SVHN train", 4)
    for n, channel, row, column in np.ndindex(4, 3, 2, 32):
        assert data.images[n, channel, row, column] == X[row, column, channel, n] / np.float32(255)
    assert data.images.flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.uint8, float])
def test_label_ten_is_the_digit_zero(write, dtype):
    labels = SVHN("train", write(y=Y.astype(dtype)).parent).labels
    assert labels.dtype == np.int64 and labels.tolist() == [1, 0, 9, 0]


def test_each_channel_is_normalised_by_the_constants_of_the_training_set(write):
    folder = write().parent
    plain, data = SVHN("train", folder, normalize=False), SVHN("train", folder)
    assert data.mean.dtype == data.std.dtype == data.images.dtype == np.float32
    np.testing.assert_allclose(data.mean, svhn.MEAN, rtol=1e-6)
    np.testing.assert_allclose(data.std, svhn.STD, rtol=1e-6)
    expected = (plain.images.astype(float) - data.mean[:, None, None]) / data.std[:, None, None]
    np.testing.assert_allclose(data.images, expected, atol=1e-6)
    assert plain.mean.tolist() == [0, 0, 0] and plain.std.tolist() == [1, 1, 1]


# ---- what is refused -------------------------------------------------------------------------------------------


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="SVHN: expected the split 'train' or 'test', got 'extra'"):
        SVHN("extra")


def test_split_that_is_not_there_is_an_error_even_beside_the_other(write):
    with pytest.raises(DataError, match=r"svhn lacks test_32x32\.mat"):
        SVHN("test", write().parent)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"X": X.astype(float)}, "expected X to be uint8 of shape (32, 32, 3, N), N >= 1, got float64 of"),
        ({"X": X.astype(np.int8)}, "got int8 of"),
        ({"X": X[:, :, :, 0]}, "got uint8 of (32, 32, 3)"),
        ({"X": X[..., None, :]}, "got uint8 of (32, 32, 3, 1, 4)"),
        ({"X": X.transpose(3, 2, 0, 1)}, "got uint8 of (4, 3, 32, 32)"),
        ({"X": X[..., :0], "y": Y[:0]}, "got uint8 of (32, 32, 3, 0)"),
        ({"X": "text"}, "expected X to be a real numeric array"),
        ({"y": Y[:3]}, "expected y to be of shape (4, 1), got (3, 1)"),
        ({"y": Y.T}, "expected y to be of shape (4, 1), got (1, 4)"),
        ({"y": np.array([[1], [0], [9], [10]], np.uint8)}, "expected labels 1 to 10, got 0"),
        ({"y": np.array([[1], [11], [9], [10]], np.uint8)}, "expected labels 1 to 10, got 11"),
        ({"y": np.array([[1], [2.5], [9], [10]])}, "expected labels 1 to 10, got 2.5"),
        ({"y": np.array([[1], [np.nan], [9], [10]])}, "expected labels 1 to 10, got nan"),
    ],
)
def test_other_variables_than_the_published_ones_are_refused(write, variables, message):
    assert message in refused(write(**variables))


def test_more_images_than_the_published_file_has_are_refused(write, monkeypatch):
    monkeypatch.setattr(svhn, "MOST_IMAGES", 3)
    assert "expected at most 9216 bytes, got an element of 12288" in refused(write())


@pytest.mark.parametrize("damage", [lambda content: content[:-100], lambda content: b"", lambda content: b"<html>"])
def test_truncated_empty_and_foreign_files_are_refused(write, damage):
    refused(write(damage(mat_bytes())))


# ---- the checksum ----------------------------------------------------------------------------------------------


def test_file_with_another_checksum_is_used_and_said_so_once(write, capsys):
    path = write()
    SVHN("train", path.parent)
    SVHN("train", path.parent)
    assert capsys.readouterr().err == (
        f"{path}: not the published file (another SHA-256), but its structure is right: used\n"
    )


def test_download_is_read_and_kept_in_silence(mirror, cache, monkeypatch, capsys):
    content = mat_bytes()
    mirror.files[f"/{NAME}"] = content
    file = DataFile(NAME, len(content), hashlib.sha256(content).hexdigest(), (f"{mirror.url}/{NAME}",))
    monkeypatch.setitem(svhn.FILES, "train", file)
    assert SVHN("train").labels.tolist() == SVHN("train", download=False).labels.tolist() == [1, 0, 9, 0]
    assert mirror.requests == [f"/{NAME}"]
    assert [path.name for path in (cache / "svhn").iterdir()] == [NAME]
    assert capsys.readouterr().err == ""


def test_table_has_well_formed_checksums():
    for file in svhn.FILES.values():
        assert len(bytes.fromhex(file.sha256)) == 32
        assert [url.rsplit("/", 1)[1] for url in file.urls] == [file.name]


# ---- the real files --------------------------------------------------------------------------------------------


@real
def test_real_training_set_has_the_published_count_and_constants():
    data = SVHN("train", ROOT, normalize=False)
    assert data.images.shape == (73_257, 3, 32, 32) and np.bincount(data.labels)[[0, 1]].tolist() == [4948, 13861]
    channels = [data.images[:, channel] for channel in range(3)]
    np.testing.assert_allclose([channel.mean(dtype=float) for channel in channels], svhn.MEAN, atol=1e-4)
    np.testing.assert_allclose([channel.std(dtype=float) for channel in channels], svhn.STD, atol=1e-4)
