import gzip
import hashlib
import os

import numpy as np
import pytest

from specframe.data import MNIST, DataError, mnist
from specframe.data.files import find
from specframe.data.idx import read_idx

FOLDER = os.environ.get("SPECFRAME_DATA")  # read before the fixture hides it
real = pytest.mark.skipif(not FOLDER, reason="SPECFRAME_DATA does not name a folder with the MNIST files")

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
LABELS = np.array([3, 1, 4, 1, 9])


@pytest.fixture
def small(write_idx, tmp_path):
    """small(images, labels) -> a folder with a training set of few images."""

    def make(images=IMAGES, labels=LABELS, pattern="{}-{}-ubyte.gz"):
        write_idx("set/mnist/" + pattern.format("train-images", "idx3"), images)
        write_idx("set/mnist/" + pattern.format("train-labels", "idx1"), labels)
        return tmp_path / "set"

    return make


@pytest.mark.parametrize("pattern", ["{}-{}-ubyte", "{}-{}-ubyte.gz", "{}.{}-ubyte", "{}.{}-ubyte.gz"])
def test_files_are_read_under_each_usual_name(small, pattern):
    data = MNIST("train", small(pattern=pattern))
    assert data.images.shape == (5, 1, 28, 28) and data.images.dtype == np.float32
    assert data.labels.dtype == np.int64 and data.labels.tolist() == LABELS.tolist()
    assert (data.num_classes, data.name, len(data)) == (10, "MNIST train", 5)


def test_pixels_are_scaled_to_one(small):
    images = np.zeros((5, 28, 28))
    images[0, 0, :3] = 255, 51, 1
    data = MNIST("train", small(images))
    np.testing.assert_array_equal(data.images[0, 0, 0, :4], np.float32([1, 0.2, 1 / 255, 0]))


def test_split_that_is_not_there_is_an_error_even_beside_the_other(small):
    with pytest.raises(DataError, match=r"mnist lacks t10k-images-idx3-ubyte\.gz and t10k-labels-idx1-ubyte\.gz"):
        MNIST("test", small())


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="MNIST: expected the split 'train' or 'test', got 'valid'"):
        MNIST("valid")


def test_label_out_of_range_names_the_file(small):
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz: expected labels 0 to 9, got 10"):
        MNIST("train", small(labels=np.array([0, 1, 10, 3, 4])))


def test_another_number_of_labels_than_images_names_the_file(small):
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte\.gz: expected 5 labels, one an image, got 4"):
        MNIST("train", small(labels=LABELS[:4]))


def test_images_of_another_size_name_the_file(small):
    with pytest.raises(DataError, match=r"images-idx3-ubyte\.gz: expected images of shape \(28, 28\), got \(8, 8\)"):
        MNIST("train", small(np.zeros((5, 8, 8))))


def test_download_is_read_and_kept(small, mirror, cache, monkeypatch):
    folder = small() / "mnist"
    table = []
    for file in mnist.FILES["train"]:
        content = (folder / file.name).read_bytes()
        mirror.files[f"/{file.name}"] = content
        digest = hashlib.sha256(content).hexdigest()
        table.append(type(file)(file.name, len(content), digest, (f"{mirror.url}/{file.name}",), file.aliases))
    monkeypatch.setitem(mnist.FILES, "train", tuple(table))
    assert MNIST("train").labels.tolist() == MNIST("train", download=False).labels.tolist() == LABELS.tolist()
    assert len(mirror.requests) == 2
    assert sorted(path.name for path in (cache / "mnist").iterdir()) == sorted(file.name for file in table)


def test_table_has_two_mirrors_and_well_formed_checksums():
    files = [file for split in mnist.FILES.values() for file in split]
    assert len({file.sha256 for file in files}) == 4
    for file in files:
        assert len(bytes.fromhex(file.sha256)) == 32
        assert [url.rsplit("/", 1)[1] for url in file.urls] == [file.name] * 2


# ---- the real files --------------------------------------------------------------------------------------------

MD5 = {  # of the unpacked files as published
    "train": ("6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624"),
    "test": ("2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"),
}


@real
@pytest.mark.parametrize("split", ["train", "test"])
def test_real_files_hold_the_published_bytes(split):
    for path, ndim, md5 in zip(find("mnist", mnist.FILES[split], FOLDER), (3, 1), MD5[split], strict=True):
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            header = file.read(4 + 4 * ndim)
        assert hashlib.md5(header + read_idx(path, ndim).tobytes()).hexdigest() == md5


@real
def test_real_test_set_has_the_published_counts():
    data = MNIST("test", FOLDER)
    assert data.images.shape == (10_000, 1, 28, 28)
    assert np.bincount(data.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert data.images.min() == 0 and data.images.max() == 1
    assert data.labels[:5].tolist() == [7, 2, 1, 0, 4]


@real
def test_real_training_set_is_found_through_the_environment(monkeypatch):
    monkeypatch.setenv("SPECFRAME_DATA", FOLDER)
    data = MNIST("train", download=False)
    assert data.images.shape == (60_000, 1, 28, 28)
    assert data.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert np.mean(data.images[:1000], dtype=np.float64) == pytest.approx(0.13, abs=0.01)
