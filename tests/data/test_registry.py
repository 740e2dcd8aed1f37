import numpy as np
import pytest

from specframe.data import DATASETS, DataError, open_dataset
from specframe.data.registry import parse_folder


def test_name_gives_the_set_from_the_folder(write_idx, tmp_path):
    write_idx("kmnist/t10k-images-idx3-ubyte", np.zeros((3, 28, 28)))
    write_idx("kmnist/t10k-labels-idx1-ubyte", np.array([1, 2, 3]))
    data = open_dataset("kmnist", "test", tmp_path)
    assert type(data) is DATASETS["kmnist"] and data.labels.tolist() == [1, 2, 3]


def test_digits_need_no_folder(tmp_path):
    assert open_dataset("digits", "test", tmp_path).name == "Digits test"


@pytest.mark.parametrize("name", ["imagenet", "", "folder", "MNIST"])
def test_unknown_name_lists_the_known_ones(name):
    message = f"expected a data set mnist, fashion_mnist, .*, digits, or folder:PATH, got '{name}'"
    with pytest.raises(ValueError, match=message):
        open_dataset(name)


def test_unknown_split_is_refused():
    with pytest.raises(ValueError, match="digits: expected the split 'train' or 'test', got 'valid'"):
        open_dataset("digits", "valid")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("folder:pets", ("pets", None)),
        ("folder:pets:32", ("pets", 32)),
        ("folder:/my pets/a:b", ("/my pets/a:b", None)),
        ("folder:C:\\pets", ("C:\\pets", None)),
        ("folder:C:\\pets:64", ("C:\\pets", 64)),
        ("folder:pets:", ("pets:", None)),
        ("folder:pets:-3", ("pets:-3", None)),
        ("folder:pets:\u0663", ("pets:\u0663", None)),
        ("folder:32", ("32", None)),
    ],
)
def test_folder_and_size_are_told_apart(name, expected):
    assert parse_folder(name) == expected


def test_folder_without_a_path_is_refused():
    with pytest.raises(ValueError, match="expected folder:PATH, got 'folder:'"):
        open_dataset("folder:")


@pytest.fixture
def pets(tmp_path):
    """pets(*below) -> a folder with ten pictures of each of two classes, in each of the sub-folders `below`."""
    Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: no image files to read")

    def make(*below, classes=("cat", "dog"), shape=(4, 6)):
        for part in below:
            for number, name in enumerate(classes):
                (tmp_path / "pets" / part / name).mkdir(parents=True, exist_ok=True)
                for n in range(10):
                    pixels = np.full(shape, 100 * number + n, np.uint8)
                    Image.fromarray(pixels).save(tmp_path / "pets" / part / name / f"{n}.png")
        return tmp_path / "pets"

    return make


def test_folder_with_train_and_test_has_both_sets(pets):
    folder = pets("train")
    pets("test", classes=["dog"])
    train, test = (open_dataset(f"folder:{folder}", split) for split in ("train", "test"))
    assert (len(train), len(test)) == (20, 10)
    assert train.classes == test.classes == ("cat", "dog") and set(test.labels) == {1}
    assert (train.name, test.name) == ("pets train", "pets test")


def test_test_set_takes_size_and_channels_of_the_training_set(pets):
    folder = pets("train", shape=(4, 6, 3))
    pets("test", shape=(9, 9))
    assert open_dataset(f"folder:{folder}", "test").images.shape == (20, 3, 4, 6)
    assert open_dataset(f"folder:{folder}:8", "test").images.shape == (20, 3, 8, 8)


def test_class_of_the_test_set_that_is_not_in_training_is_refused(pets):
    folder = pets("train")
    pets("test", classes=["emu"])
    with pytest.raises(DataError, match="test: expected sub-folders named cat, dog, got emu"):
        open_dataset(f"folder:{folder}", "test")


def test_folder_of_classes_is_split_the_same_every_time(pets):
    name = f"folder:{pets('')}"
    train, test = open_dataset(name, "train"), open_dataset(name, "test")
    assert (len(train), len(test), train.name, test.name) == (16, 4, "pets train", "pets test")
    seen = np.concatenate([part.images[:, 0, 0, 0] for part in (train, test)])
    assert len(np.unique(seen)) == 20
    np.testing.assert_array_equal(open_dataset(name, "test").images, test.images)


def test_size_in_the_name_resizes(pets):
    assert open_dataset(f"folder:{pets('')}:32").images.shape == (16, 1, 32, 32)
