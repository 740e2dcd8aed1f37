import dataclasses
import hashlib
import os
import pickle

import numpy as np
import pytest

from specframe.data import CIFAR10, DataError, cifar10
from specframe.data.published import DataFile
from tests.data.samples import cifar_pickle, cifar_records, python2_pickle, tar_gz

ROOT = os.environ.get("SPECFRAME_DATA")  # read before the fixture hides it
real = pytest.mark.skipif(not ROOT, reason="SPECFRAME_DATA does not name a folder with the CIFAR-10 archive")

NAME = "cifar-10-binary.tar.gz"
TRAIN = [f"data_batch_{number}.bin" for number in range(1, 6)]
FILES = {name: cifar_records(seed) for seed, name in enumerate([*TRAIN, "test_batch.bin"])}
LABELS = [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]


@pytest.fixture
def pack(tmp_path):
    """pack(changes) -> a folder with a small archive; a change is another content for a file, None leaves it out."""

    def pack(changes=(), order=lambda names: names):
        files = {"batches.meta.txt": b"airplane\n"} | FILES | dict(changes)
        folder = tmp_path / "sets" / "cifar10"
        folder.mkdir(parents=True, exist_ok=True)
        named = {f"cifar-10-batches-bin/{name}": files[name] for name in order(list(files)) if files[name] is not None}
        (folder / NAME).write_bytes(tar_gz(named))
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
def test_unpacked_files_give_the_same(pack, unpack, place, split, tmp_path, capsys):
    packed = CIFAR10(split, pack())
    capsys.readouterr()
    data = CIFAR10(split, unpack(place))
    np.testing.assert_array_equal(data.images, packed.images)
    np.testing.assert_array_equal(data.labels, packed.labels)
    more = "; 4 other files differ too" if split == "train" else ""
    assert capsys.readouterr().err == (
        f"{tmp_path}/unpacked/{place}{'/' if place else ''}{'data_batch_1' if split == 'train' else 'test_batch'}.bin:"
        f" not the published file (2 images, not 10000{more}), but its structure is right: used\n"
    )


def test_files_may_differ_in_length(pack):
    data = CIFAR10("train", pack({"data_batch_2.bin": cifar_records(7, n=5)}), normalize=False)
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


def test_too_many_records_are_refused_unread(pack, unpack, layout):
    layout(count={"train": 1, "test": 1})
    changes = {"data_batch_1.bin": bytes(3 * 3073)}
    limit = 3073 + 4096
    assert f"{NAME}: data_batch_1.bin: expected at most {limit} bytes, got 9219" in refused(pack(changes))
    assert f"data_batch_1.bin: expected at most {limit} bytes, got 9219" in refused(unpack("", changes))
    assert "data_batch_1.bin: expected 1 to 1 records of 3073 bytes, got 6146 bytes" in refused(pack())


def test_bomb_is_cut_at_the_published_size(pack, layout):
    assert cifar10.LAYOUT.limits(False, "train") == (30_730_000 + 4096, 6 * 30_730_000 + 2**20)
    layout(count={"train": 2, "test": 2})
    message = f"expected at most {12 * 3073 + 2**20} bytes when unpacked, got more"
    assert message in refused(pack({"batches.meta.txt": bytes(2**20)}))


def test_zeros_that_no_photograph_has_are_refused(pack):
    assert "expected at most 16777216 bytes when unpacked, got more" in refused(
        pack({"data_batch_5.bin": bytes(30_730_000)})
    )


@pytest.mark.parametrize("damage", [lambda content: content[:-100], lambda content: b"", lambda content: b"<html>"])
def test_truncated_empty_and_foreign_archives_are_refused(pack, damage):
    path = pack() / NAME
    path.write_bytes(damage(path.read_bytes()))
    assert refused(path.parent).startswith(f"{path}: expected a whole .tar.gz file, got a truncated or damaged one")


# ---- the checksum ----------------------------------------------------------------------------------------------


@pytest.fixture
def layout(monkeypatch):
    """layout(field=...) changes a field of the set's layout for the test."""

    def change(**fields):
        monkeypatch.setattr(CIFAR10, "layout", dataclasses.replace(CIFAR10.layout, **fields))

    return change


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


def test_download_is_read_and_kept_in_silence(pack, mirror, cache, layout, capsys):
    path = pack() / NAME
    mirror.files[f"/{NAME}"] = path.read_bytes()
    layout(binary=published(path, f"{mirror.url}/{NAME}"))
    assert CIFAR10("train").labels.tolist() == CIFAR10("train", download=False).labels.tolist() == LABELS
    assert mirror.requests == [f"/{NAME}"]
    assert [file.name for file in (cache / "cifar10").iterdir()] == [NAME]
    assert capsys.readouterr().err == ""


def test_download_with_another_checksum_is_not_accepted(pack, mirror, cache, layout):
    path = pack() / NAME
    layout(binary=published(path, f"{mirror.url}/{NAME}"))
    mirror.files[f"/{NAME}"] = path.read_bytes()[:-1] + b"\1"
    assert "expected SHA-256" in refused(None)
    assert list((cache / "cifar10").iterdir()) == []


# ---- the python archive ----------------------------------------------------------------------------------------


def pickled(protocol):
    """The same files, pickled; protocol "2.7" is Python 2's."""
    write = python2_pickle if protocol == "2.7" else lambda records: cifar_pickle(records, protocol)
    return {name.removesuffix(".bin"): write(content) for name, content in FILES.items()}


@pytest.mark.parametrize("protocol", ["2.7", 1, 2, 3, 4, 5])
@pytest.mark.parametrize("split", ["train", "test"])
def test_pickles_give_the_same_as_the_binary_files(pack, tmp_path, protocol, split):
    expected = CIFAR10(split, pack())
    files = {f"cifar-10-batches-py/{name}": content for name, content in pickled(protocol).items()}
    (tmp_path / "packed").mkdir()
    (tmp_path / "packed" / "cifar-10-python.tar.gz").write_bytes(tar_gz(files))
    (tmp_path / "torchvision" / "cifar-10-batches-py").mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / "torchvision" / name).write_bytes(content)
    for folder in ("packed", "torchvision", "torchvision/cifar-10-batches-py"):
        data = CIFAR10(split, tmp_path / folder)
        np.testing.assert_array_equal(data.images, expected.images)
        assert data.labels.tolist() == expected.labels.tolist()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1, 2], "expected a pickled dict, got something else"),
        ({"labels": [1]}, "expected a pickled dict with 'data', got one without"),
        ({"λ": [1]}, "expected a pickled dict with 'labels', got one without"),
        ({"labels": [1], "data": np.zeros((2, 3072), np.uint8)}, r"got uint8 of \(2, 3072\) and \(1,\)"),
        ({"labels": [1], "data": np.zeros((1, 3071), np.uint8)}, r"got uint8 of \(1, 3071\) and \(1,\)"),
        ({"labels": [1], "data": np.zeros((1, 3072), np.int8)}, "got int8 of"),
        (
            {"labels": np.zeros((1, 1), int), "data": np.zeros((1, 3072), np.uint8)},
            r"got uint8 of \(1, 3072\) and \(1, 1\)",
        ),
        ({"labels": [10], "data": np.zeros((1, 3072), np.uint8)}, "expected labels 0 to 9, got 10"),
        ({"labels": [-1], "data": np.zeros((1, 3072), np.uint8)}, "expected labels 0 to 9, got -1"),
        ({"labels": ["a"], "data": np.zeros((1, 3072), np.uint8)}, "expected an array of whole numbers"),
        ({"labels": [], "data": np.zeros((0, 3072), np.uint8)}, r"N from 1 to 10000, got uint8 of \(0, 3072\)"),
        ({"labels": [1], "data": os.getcwd}, "expected an array of whole numbers"),
    ],
)
def test_pickles_of_something_else_are_refused(tmp_path, value, message):
    (tmp_path / "test_batch").write_bytes(pickle.dumps(value))
    with pytest.raises(DataError, match=f"test_batch: .*{message}"):
        CIFAR10("test", tmp_path)


def test_pickle_may_be_longer_than_its_images(tmp_path, layout):
    layout(count={"train": 200, "test": 200})
    (tmp_path / "test_batch").write_bytes(cifar_pickle(cifar_records(0, 200)))
    assert len(CIFAR10("test", tmp_path)) == 200
    (tmp_path / "test_batch").write_bytes(bytes(200 * 6272 + 4097))
    assert "expected at most 1258496 bytes, got 1258497" in refused(tmp_path, "test")


def test_keys_may_be_bytes(tmp_path):
    value = {b"labels": [7], b"data": np.zeros((1, 3072), np.uint8)}
    (tmp_path / "test_batch").write_bytes(pickle.dumps(value))
    assert CIFAR10("test", tmp_path).labels.tolist() == [7]


def test_pickle_is_never_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return open, (str(tmp_path / "written"), "w")

    (tmp_path / "test_batch").write_bytes(pickle.dumps({"labels": Evil(), "data": Evil()}))
    assert "expected an array of whole numbers" in refused(tmp_path, "test")
    assert not (tmp_path / "written").exists()


# ---- unpacked files that are not what they were ----------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 3])
def test_unpacked_file_with_another_number_of_images_than_the_first_is_refused(unpack, length):
    folder = unpack("", {"data_batch_3.bin": cifar_records(2, length)})
    message = f"{folder}/data_batch_3.bin: expected 2 images, as in data_batch_1.bin, got {length}"
    assert refused(folder) == message
    assert len(CIFAR10("test", folder)) == 2


def test_unpacked_files_of_one_record_each_are_used_with_a_notice(unpack, capsys):
    folder = unpack("", {name: content[:3073] for name, content in FILES.items()})
    assert len(CIFAR10("train", folder)) == 5
    assert capsys.readouterr().err == (
        f"{folder}/data_batch_1.bin: not the published file (1 images, not 10000; 4 other files differ too),"
        " but its structure is right: used\n"
    )


def test_published_files_are_known_by_their_checksum(unpack, layout, capsys):
    digests = {name: hashlib.md5(content).hexdigest() for name, content in FILES.items()}
    layout(md5=digests, count={"train": 2, "test": 2})
    folder = unpack("")
    CIFAR10("train", folder)
    assert capsys.readouterr().err == ""
    (folder / "data_batch_2.bin").write_bytes(FILES["data_batch_2.bin"][:-1] + b"\0")
    CIFAR10("train", folder)
    assert "data_batch_2.bin: not the published file (another checksum), but its" in capsys.readouterr().err
    (folder / "data_batch_2.bin").write_bytes(FILES["test_batch.bin"])
    assert refused(folder).endswith(
        "data_batch_2.bin: expected data_batch_2.bin, got test_batch.bin, as the checksum shows"
    )


def test_table_is_complete_and_well_formed():
    layout = cifar10.LAYOUT
    assert [url.rsplit("/", 1)[1] for url in layout.binary.urls] == [NAME] * 2
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in (layout.binary, layout.python))
    names = [name for pair in layout.files.values() for name in pair]
    assert sorted(layout.md5) == sorted([*names, *(f"{name}.bin" for name in names)])
    assert len({bytes.fromhex(digest) for digest in layout.md5.values()}) == 12
    assert all(len(digest) == 32 for digest in layout.md5.values())


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
