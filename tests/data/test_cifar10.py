import gzip
import hashlib
import io
import os
import tarfile

import numpy as np
import pytest

from specframe.data import CIFAR10, DataError, cifar10
from specframe.data.files import DataFile

ROOT = os.environ.get("SPECFRAME_DATA")  # read before the fixture hides it
real = pytest.mark.skipif(not ROOT, reason="SPECFRAME_DATA does not name a folder with the CIFAR-10 archive")

NAME = "cifar-10-binary.tar.gz"
TRAIN = [f"data_batch_{number}.bin" for number in range(1, 6)]


def records(seed, n=2):
    """n records as bytes; labels count up from the seed."""
    content = np.random.default_rng(seed).integers(0, 256, (n, 3073), np.uint8)
    content[:, 0] = (seed + np.arange(n)) % 10
    return content.tobytes()


FILES = {name: records(seed) for seed, name in enumerate([*TRAIN, "test_batch.bin"])}
LABELS = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]


@pytest.fixture
def pack(tmp_path):
    """pack(changes) -> a folder with a small archive; a change is another content for a file, None leaves it out."""

    def pack(changes=(), order=lambda names: names):
        files = FILES | dict(changes)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for name in order(["batches.meta.txt", *FILES]):
                content = files.get(name, b"airplane\n")
                if content is not None:
                    info = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
        folder = tmp_path / "sets" / "cifar10"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / NAME).write_bytes(gzip.compress(buffer.getvalue(), 1, mtime=0))
        return folder

    return pack


@pytest.fixture
def unpack(tmp_path):
    """unpack(place, changes) -> a folder with the .bin files in its sub-folder `place`."""

    def unpack(place, changes=()):
        folder = tmp_path / "unpacked"
        (folder / place).mkdir(parents=True)
        for name, content in (FILES | dict(changes)).items():
            (folder / place / name).write_bytes(content)
        return folder

    return unpack


def refused(folder, split="train"):
    with pytest.raises(DataError) as caught:
        CIFAR10(split, folder)
    return str(caught.value)


# ---- what is read ----------------------------------------------------------------------------------------------


def test_records_become_images_and_labels(pack):
    data = CIFAR10("train", pack(), normalize=False)
    assert data.images.shape == (10, 3, 32, 32) and data.images.dtype == np.float32
    assert data.labels.dtype == np.int64 and data.labels.tolist() == LABELS
    assert (data.num_classes, data.name, len(data)) == (10, "CIFAR10 train", 10)
    planes = np.frombuffer(b"".join(FILES[name] for name in TRAIN), np.uint8).reshape(10, 3073)[:, 1:]
    np.testing.assert_array_equal(data.images.reshape(10, -1), planes / np.float32(255))


def test_order_in_the_archive_does_not_matter(pack):
    images = CIFAR10("train", pack()).images
    np.testing.assert_array_equal(CIFAR10("train", pack(order=lambda names: names[::-1])).images, images)


def test_test_split_is_the_other_file(pack):
    assert CIFAR10("test", pack()).labels.tolist() == [5, 6]


@pytest.mark.parametrize("place", ["", "cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_unpacked_files_give_the_same(pack, unpack, place, split, capsys):
    packed = CIFAR10(split, pack())
    capsys.readouterr()
    data = CIFAR10(split, unpack(place))
    np.testing.assert_array_equal(data.images, packed.images)
    np.testing.assert_array_equal(data.labels, packed.labels)
    assert capsys.readouterr().err == ""


def test_files_may_differ_in_length(pack):
    data = CIFAR10("train", pack({"data_batch_2.bin": records(7, n=5)}), normalize=False)
    assert data.labels.tolist() == [0, 1, 7, 8, 9, 0, 1, *LABELS[4:]]
    np.testing.assert_array_equal(data.images[7:], CIFAR10("train", pack(), normalize=False).images[4:])


# ---- normalisation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "test"])
def test_each_channel_is_normalised_by_the_constants_of_the_training_set(pack, split):
    plain, data = CIFAR10(split, pack(), normalize=False), CIFAR10(split, pack())
    assert data.mean.dtype == data.std.dtype == data.images.dtype == np.float32
    np.testing.assert_allclose(data.mean, [0.4914, 0.4822, 0.4465], rtol=1e-6)
    np.testing.assert_allclose(data.std, [0.2470, 0.2435, 0.2616], rtol=1e-6)
    expected = (plain.images.astype(float) - data.mean[:, None, None]) / data.std[:, None, None]
    np.testing.assert_allclose(data.images, expected, atol=1e-6)


@pytest.mark.parametrize("normalize", [True, False])
def test_mean_and_std_lead_back_to_the_pixels(pack, normalize):
    data = CIFAR10("train", pack(), normalize=normalize)
    pixels = data.images * data.std[:, None, None] + data.mean[:, None, None]
    np.testing.assert_allclose(pixels, CIFAR10("train", pack(), normalize=False).images, atol=1e-6)


# ---- what is refused -------------------------------------------------------------------------------------------


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="CIFAR10: expected the split 'train' or 'test', got 'valid'"):
        CIFAR10("valid")


def test_folder_without_the_files_says_what_it_lacks(tmp_path):
    assert f"{tmp_path} lacks cifar-10-binary.tar.gz" in refused(tmp_path)


def test_missing_members_are_named(pack):
    folder = pack({"data_batch_2.bin": None, "data_batch_5.bin": None})
    assert refused(folder) == f"{folder / NAME}: the archive lacks data_batch_2.bin and data_batch_5.bin"
    assert len(CIFAR10("test", folder)) == 2


@pytest.mark.parametrize("content", [b"", FILES["data_batch_3.bin"][:-1], FILES["data_batch_3.bin"] + b"x"])
def test_other_than_whole_records_are_refused(pack, unpack, content):
    changes = {"data_batch_3.bin": content}
    expected = f"data_batch_3.bin: expected 1 to 10000 records of 3073 bytes, got {len(content)} bytes"
    folder = pack(changes)
    assert refused(folder) == f"{folder / NAME}: {expected}"
    folder = unpack("", changes)
    assert refused(folder) == f"{folder}/{expected}"


def test_label_out_of_range_names_the_file(pack, unpack):
    changes = {"test_batch.bin": bytes(3073) + b"\x0a" + bytes(3072)}
    assert refused(pack(changes), "test").endswith(f"{NAME}: test_batch.bin: expected labels 0 to 9, got 10")
    assert refused(unpack("", changes), "test").endswith("test_batch.bin: expected labels 0 to 9, got 10")


def test_too_many_records_are_refused_unread(pack, unpack, monkeypatch):
    monkeypatch.setattr(cifar10, "FILE_LIMIT", 3073)
    assert f"{NAME}: data_batch_1.bin: expected at most 3073 bytes, got 6146" in refused(pack())
    assert "data_batch_1.bin: expected at most 3073 bytes, got 6146" in refused(unpack(""))


def test_bomb_is_cut_at_the_published_size(pack, monkeypatch):
    assert cifar10.FILE_LIMIT == 30_730_000 and 6 * 30_730_000 < cifar10.ARCHIVE_LIMIT < 200_000_000
    monkeypatch.setattr(cifar10, "ARCHIVE_LIMIT", 1_000_000)
    assert "expected at most 1000000 bytes when unpacked, got more" in refused(pack({"batches.meta.txt": bytes(2**20)}))


@pytest.mark.parametrize("damage", [lambda content: content[:-100], lambda content: b"", lambda content: b"<html>"])
def test_truncated_empty_and_foreign_archives_are_refused(pack, damage):
    path = pack() / NAME
    path.write_bytes(damage(path.read_bytes()))
    assert refused(path.parent).startswith(f"{path}: expected a whole .tar.gz file, got a truncated or damaged one")


# ---- the checksum ----------------------------------------------------------------------------------------------


def published(path, *urls):
    content = path.read_bytes()
    return DataFile(NAME, len(content), hashlib.sha256(content).hexdigest(), urls)


def test_archive_with_another_checksum_is_used_and_said_so_once(pack, capsys):
    folder = pack()
    CIFAR10("train", folder)
    CIFAR10("test", folder)
    assert capsys.readouterr().err == (
        f"{folder / NAME}: not the published file (another SHA-256), but its structure is right: used\n"
    )


def test_damaged_archive_is_refused_without_that_notice(pack, capsys):
    refused(pack({"data_batch_1.bin": b"x"}))
    assert capsys.readouterr().err == ""


def test_download_is_read_and_kept_in_silence(pack, mirror, cache, monkeypatch, capsys):
    path = pack() / NAME
    mirror.files[f"/{NAME}"] = path.read_bytes()
    monkeypatch.setattr(cifar10, "ARCHIVE", published(path, f"{mirror.url}/{NAME}"))
    assert CIFAR10("train").labels.tolist() == CIFAR10("train", download=False).labels.tolist() == LABELS
    assert mirror.requests == [f"/{NAME}"]
    assert [file.name for file in (cache / "cifar10").iterdir()] == [NAME]
    assert capsys.readouterr().err == ""


def test_download_with_another_checksum_is_not_accepted(pack, mirror, cache, monkeypatch):
    path = pack() / NAME
    monkeypatch.setattr(cifar10, "ARCHIVE", published(path, f"{mirror.url}/{NAME}"))
    mirror.files[f"/{NAME}"] = path.read_bytes()[:-1] + b"\1"
    assert "expected SHA-256" in refused(None)
    assert list((cache / "cifar10").iterdir()) == []


def test_table_has_two_mirrors_and_a_well_formed_checksum():
    assert len(bytes.fromhex(cifar10.ARCHIVE.sha256)) == 32
    assert [url.rsplit("/", 1)[1] for url in cifar10.ARCHIVE.urls] == [NAME] * 2


# ---- the real files --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def train():
    """The training set, loaded once: it takes some seconds and 0.8 GB."""
    return CIFAR10("train", ROOT, normalize=False)


@real
def test_real_test_set_has_the_published_counts():
    data = CIFAR10("test", ROOT)
    assert data.images.shape == (10_000, 3, 32, 32)
    assert np.bincount(data.labels).tolist() == [1000] * 10
    assert abs(data.images.mean(axis=(0, 2, 3), dtype=float)).max() < 0.02


@real
def test_real_training_set_has_the_published_counts(train):
    assert train.images.shape == (50_000, 3, 32, 32)
    assert np.bincount(train.labels).tolist() == [5000] * 10


@real
def test_real_training_set_has_the_constants_to_their_four_digits(train):
    channels = [train.images[:, channel] for channel in range(3)]
    mean = np.array([channel.mean(dtype=float) for channel in channels])
    square = np.array([np.einsum("nij,nij->", channel, channel, dtype=float) / channel.size for channel in channels])
    np.testing.assert_array_equal(np.round(mean, 4), cifar10.MEAN)
    np.testing.assert_array_equal(np.round(np.sqrt(square - mean**2), 4), cifar10.STD)
