import dataclasses
import gzip
import hashlib
import os

import numpy as np
import pytest

from specframe.data import KMNIST, MNIST, DataError, FashionMNIST, mnist
from specframe.data.files import find
from specframe.data.idx import read_idx
from tests.data.samples import idx_bytes

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


@pytest.mark.parametrize("kind", [MNIST, FashionMNIST, KMNIST])
@pytest.mark.parametrize("place", ["{0}/raw", "raw", "", "{1}"])
def test_folders_of_torchvision_are_found(write_idx, tmp_path, kind, place):
    folder = place.format(kind.__name__, kind.set_name)
    write_idx(f"sets/{folder}/train-images-idx3-ubyte", IMAGES)
    write_idx(f"sets/{folder}/train-labels-idx1-ubyte", LABELS)
    data = kind("train", tmp_path / "sets")
    assert data.labels.tolist() == LABELS.tolist() and data.name == f"{kind.__name__} train"
    assert data.classes == kind.CLASSES and len(set(data.classes)) == 10


def test_sets_with_the_same_file_names_lie_side_by_side(write_idx, tmp_path):
    for number, folder in enumerate(["", "fashion_mnist/", "KMNIST/raw/"]):
        write_idx(f"sets/{folder}train-images-idx3-ubyte", IMAGES)
        write_idx(f"sets/{folder}train-labels-idx1-ubyte.gz", np.full(5, number))
    labels = [kind("train", tmp_path / "sets").labels[0] for kind in (MNIST, FashionMNIST, KMNIST)]
    assert labels == [0, 1, 2]


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


# ---- the content -----------------------------------------------------------------------------------------------

PLAIN, PACKED = "{}-{}-ubyte", "{}-{}-ubyte.gz"


@pytest.fixture
def known(monkeypatch, write_idx, tmp_path):
    """Makes IMAGES and LABELS the published content of MNIST's training set."""
    digests = [hashlib.md5(idx_bytes(array)).hexdigest() for array in (IMAGES, LABELS)]
    pair = [dataclasses.replace(file, md5=digest) for file, digest in zip(mnist.FILES["train"], digests, strict=True)]
    monkeypatch.setitem(mnist.FILES, "train", tuple(pair))
    monkeypatch.setitem(mnist.COUNT, "train", 5)
    for file in pair:
        monkeypatch.setitem(mnist.OWNERS, file.md5, ("MNIST", file))


@pytest.mark.parametrize("pattern", [PLAIN, PACKED])
def test_published_content_is_silent_in_any_packing(known, small, capsys, pattern):
    MNIST("train", small(pattern=pattern))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("pattern", [PLAIN, PACKED])
def test_other_content_is_used_with_a_notice(known, small, capsys, pattern):
    damaged = IMAGES.copy()
    damaged[2] = 0
    folder = small(damaged, pattern=pattern)
    MNIST("train", folder)
    MNIST("train", folder)
    name = pattern.format("train-images", "idx3")
    assert capsys.readouterr().err == (
        f"{folder}/mnist/{name}: not the published file (another checksum), but its structure is right: used\n"
    )


def test_other_number_of_images_is_used_with_a_notice(small, capsys):
    folder = small()
    MNIST("train", folder)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"{folder}/mnist/{PACKED.format(*stem)}: not the published file (5 entries, not 60000),"
        " but its structure is right: used"
        for stem in (("train-images", "idx3"), ("train-labels", "idx1"))
    ]


def test_files_of_another_set_are_refused(known, small):
    with pytest.raises(DataError, match=r"gz: expected train-images-idx3-ubyte\.gz, got MNIST's train-images-idx3"):
        FashionMNIST("train", small() / "mnist")


def test_files_of_the_other_split_are_refused(known, write_idx, tmp_path):
    write_idx("set/t10k-images-idx3-ubyte", IMAGES)
    write_idx("set/t10k-labels-idx1-ubyte", LABELS)
    with pytest.raises(DataError, match=r"expected t10k-images-idx3-ubyte\.gz, got MNIST's train-images-idx3"):
        MNIST("test", tmp_path / "set")


@pytest.mark.parametrize("pattern", [PLAIN, PACKED])
def test_set_without_known_content_is_known_by_its_packed_files_only(small, capsys, monkeypatch, pattern):
    monkeypatch.setitem(mnist.COUNT, "train", 5)
    KMNIST("train", small(pattern=pattern) / "mnist")
    notices = capsys.readouterr().err
    assert notices.count("(another SHA-256)") == (2 if pattern == PACKED else 0) == len(notices.splitlines())


@pytest.mark.parametrize("table", [mnist.FILES, mnist.FASHION_FILES, mnist.KMNIST_FILES], ids=["MNIST", "Fashion", "K"])
def test_table_has_two_mirrors_and_well_formed_checksums(table):
    files = [file for split in ("train", "test") for file in table[split]]
    assert len({file.sha256 for file in files}) == 4 and len({file.size for file in files}) == 4
    assert [file.name.split("-")[:2] for file in files] == [
        ["train", "images"], ["train", "labels"], ["t10k", "images"], ["t10k", "labels"]
    ]  # fmt: skip
    for file in files:
        assert len(bytes.fromhex(file.sha256)) == 32 and len(bytes.fromhex(file.md5)) in (0, 16)
        assert [url.rsplit("/", 1)[1] for url in file.urls] == [file.name] * 2


# ---- the real files --------------------------------------------------------------------------------------------

MD5 = {  # of the unpacked files as published
    "train": ("6bbc9ace898e44ae57da46a324031adb", "a25bea736e30d166cdddb491f175f624"),
    "test": ("2646ac647ad5339dbf082846283269ea", "27ae3e4e09519cfbb04c329615203637"),
}


@real
@pytest.mark.parametrize("split", ["train", "test"])
def test_real_files_are_recognised(split, capsys):
    MNIST(split, FOLDER)
    assert capsys.readouterr().err == ""
    with pytest.raises(DataError, match="got MNIST's"):
        FashionMNIST(split, f"{FOLDER}/mnist")


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
