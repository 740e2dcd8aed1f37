import numpy as np
import pytest

from specframe.data import CIFAR10, CIFAR100, DataError, cifar100
from tests.data.samples import cifar_pickle, cifar_records, tar_gz

RECORDS = {"train": cifar_records(3, 4, label_bytes=2), "test": cifar_records(8, 2, label_bytes=2)}


def fine(split, label):
    """The records of a split with other coarse labels than fine ones."""
    table = np.frombuffer(RECORDS[split], np.uint8).reshape(-1, 3074).copy()
    table[:, 0], table[:, 1] = 19, label
    return table.tobytes()


@pytest.fixture
def write(tmp_path):
    """write({name: content}) -> a folder with these files."""

    def write(files):
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content)
        return tmp_path

    return write


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("form", ["archive", "folder", "files", "cifar100"])
def test_second_byte_of_a_record_is_the_label(write, split, form):
    binary = {f"cifar-100-binary/{part}.bin": fine(part, 99) for part in RECORDS}
    folder = write(
        {
            "archive": {"cifar-100-binary.tar.gz": tar_gz(binary)},
            "folder": binary,
            "files": {name.rsplit("/", 1)[1]: content for name, content in binary.items()},
            "cifar100": {f"cifar100/{name}": content for name, content in binary.items()},
        }[form]
    )
    data = CIFAR100(split, folder, normalize=False)
    assert data.labels.tolist() == [99] * len(data) and data.classes[99] == "worm"
    pixels = np.frombuffer(RECORDS[split], np.uint8).reshape(-1, 3074)[:, 2:]
    np.testing.assert_array_equal(data.images.reshape(len(data), -1), pixels / np.float32(255))


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("packed", [True, False])
def test_pickles_give_the_same(write, split, packed):
    expected = CIFAR100(split, write({f"binary/{part}.bin": fine(part, 42) for part in RECORDS}) / "binary")
    python = {
        f"cifar-100-python/{part}": cifar_pickle(fine(part, 42), label_key="fine_labels", label_bytes=2)
        for part in RECORDS
    } | {"cifar-100-python/meta": b""}
    folder = write({"cifar-100-python.tar.gz": tar_gz(python)} if packed else python)
    data = CIFAR100(split, folder)
    np.testing.assert_array_equal(data.images, expected.images)
    assert data.labels.tolist() == [42] * len(data)
    if not packed:
        assert len(CIFAR100(split, folder / "cifar-100-python")) == len(data)


def test_any_file_named_train_is_not_taken_for_it(write):
    with pytest.raises(DataError, match="lacks cifar-100-binary"):
        CIFAR100("train", write({"train": b"my notes", "test": b""}))


def test_label_out_of_range_names_the_file(write):
    with pytest.raises(DataError, match=r"test\.bin: expected labels 0 to 99, got 100"):
        CIFAR100("test", write({"test.bin": fine("test", 100)}))


def test_ten_and_a_hundred_are_not_mixed_up(write):
    folder = write({"test.bin": fine("test", 1), "test_batch.bin": cifar_records(0)})
    assert (CIFAR10("test", folder).num_classes, CIFAR100("test", folder).num_classes) == (10, 100)


def test_tables_are_well_formed():
    assert len(CIFAR100.CLASSES) == 100 and list(CIFAR100.CLASSES) == sorted(CIFAR100.CLASSES)
    layout = cifar100.LAYOUT
    assert layout.limits(False, "train") == (50_000 * 3074 + 4096, 60_000 * 3074 + 2**20)
    assert all(len(bytes.fromhex(file.sha256)) == 32 for file in (layout.binary, layout.python))
    assert sorted(layout.md5) == ["test", "test.bin", "train", "train.bin"]
    assert all(len(bytes.fromhex(digest)) == 16 for digest in layout.md5.values())
