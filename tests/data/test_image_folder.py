import os

import numpy as np
import pytest

from specframe.data import DataError, DataLoader, ImageFolder, image_folder

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: no image files to read")


def picture(value, shape=(4, 6)):
    return np.full(shape, value, np.uint8)


@pytest.fixture
def write(tmp_path):
    """write({path below the folder: pixels or bytes}) -> the folder."""

    def write(files):
        for name, content in files.items():
            path = tmp_path / "pets" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                path.write_bytes(content)
            else:
                Image.fromarray(content).save(path)
        return tmp_path / "pets"

    return write


PETS = {
    "dog/b.png": picture(10), "dog/a.png": picture(20), "dog/puppies/c.bmp": picture(30),
    "cat/z.PNG": picture(40), "Ant/1.tif": picture(50),
}  # fmt: skip


def test_subfolders_are_classes_in_the_order_of_their_names(write, capsys):
    data = ImageFolder(write(PETS))
    assert data.classes == ("Ant", "cat", "dog") and data.num_classes == 3
    assert data.labels.tolist() == [0, 1, 2, 2, 2]
    assert data.images.shape == (5, 1, 4, 6) and data.images.dtype == np.float32
    np.testing.assert_allclose(data.images[:, 0, 0, 0] * 255, [50, 40, 20, 10, 30], rtol=1e-6)
    assert data.name == "pets" and capsys.readouterr().err == ""


def test_it_goes_through_a_loader(write):
    (x, y), *_ = DataLoader(ImageFolder(str(write(PETS))), 5, device="cpu")
    assert x.shape == (4, 6, 5, 1) and y.tolist() == [0, 1, 2, 2, 2]


def test_one_coloured_picture_makes_all_coloured(write):
    data = ImageFolder(write(PETS | {"cat/c.png": picture(9, (4, 6, 3))}))
    assert data.images.shape == (6, 3, 4, 6)
    assert (data.images[0] == np.float32(50 / 255)).all()
    assert ImageFolder(write(PETS), channels=1).images.shape == (6, 1, 4, 6)


def test_sizes_that_differ_need_a_size(write):
    folder = write(PETS | {"dog/c.png": picture(9, (5, 6))})
    with pytest.raises(DataError) as caught:
        ImageFolder(folder)
    assert str(caught.value) == (
        f"{folder}/dog/c.png: expected 4 x 6 pixels, as in {folder}/Ant/1.tif, got 5 x 6: give a size to resize all "
        "to, as in ImageFolder(path, size=28) or folder:PATH:28"
    )
    assert ImageFolder(folder, size=8).images.shape == (6, 1, 8, 8)
    assert ImageFolder(folder, size=(8, 3)).images.shape == (6, 1, 8, 3)


def test_deep_pictures_and_others_go_together(write):
    data = ImageFolder(write({"a/1.png": picture(255), "b/1.png": np.full((4, 6), 65535, np.uint16)}))
    assert (data.images == 1).all()


def test_hidden_files_and_folders_are_not_there(write, capsys):
    hidden = {"dog/.DS_Store": b"x", "dog/Thumbs.db": b"x", "dog/._a.png": b"x", ".git/a.png": b"x"}
    assert len(ImageFolder(write(PETS | hidden))) == 5
    assert capsys.readouterr().err == ""


def test_files_that_are_no_pictures_are_passed_over_with_a_notice(write, capsys):
    folder = write(PETS | {"dog/notes.txt": b"x", "dog/labels.csv": b"x", "README.md": b"x"})
    assert len(ImageFolder(folder)) == 5
    assert capsys.readouterr().err == f"{folder}/dog: labels.csv and 1 more: no pictures by name, passed over\n"
    (folder / "dog" / "labels.csv").unlink()
    assert ImageFolder(folder, name="mine").name == "mine"
    assert capsys.readouterr().err == f"{folder}/dog: notes.txt: no pictures by name, passed over\n"


@pytest.mark.parametrize(("name", "message"), [("dog/c.png", "not an image"), ("dog/c.heic", "not an image")])
def test_picture_that_cannot_be_read_is_named(write, name, message):
    folder = write(PETS | {name: b"no picture"})
    with pytest.raises(DataError, match=f"^{folder}/{name}: {message}"):
        ImageFolder(folder)


def test_class_without_pictures_is_named(write):
    folder = write(PETS)
    (folder / "emu").mkdir()
    with pytest.raises(DataError, match=r"emu: expected pictures, got none$"):
        ImageFolder(folder)
    (folder / "emu" / "notes.txt").touch()
    with pytest.raises(DataError, match=r"emu: expected pictures, got other files, such as notes\.txt$"):
        ImageFolder(folder)


def test_folder_without_subfolders_is_named(write):
    folder = write({"a.png": picture(1)})
    with pytest.raises(
        DataError, match=f"^{folder}: expected sub-folders, one a class, with pictures in them, got none"
    ):
        ImageFolder(folder)


@pytest.mark.parametrize(("name", "reason"), [("nowhere", "No such file"), ("file", "Not a directory")])
def test_folder_that_is_none_is_named(tmp_path, name, reason):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=f"{name}: the folder cannot be read: {reason}"):
        ImageFolder(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_folder_that_may_not_be_read_is_named(write):
    folder = write(PETS)
    (folder / "dog" / "puppies").chmod(0)
    with pytest.raises(DataError, match="puppies: the folder cannot be read: Permission denied"):
        ImageFolder(folder)


def test_given_classes_fix_the_numbers(write):
    folder = write(PETS)
    data = ImageFolder(folder, classes=["dog", "emu", "cat", "Ant"])
    assert data.labels.tolist() == [3, 2, 0, 0, 0] and data.num_classes == 4
    with pytest.raises(DataError, match=r"pets: expected sub-folders named cat, dog, got Ant"):
        ImageFolder(folder, classes=["cat", "dog"])


def test_memory_that_does_not_suffice_is_a_sentence(write, monkeypatch):
    def empty(shape, dtype):
        raise MemoryError

    monkeypatch.setattr(image_folder.np, "empty", empty)
    with pytest.raises(DataError, match="pets: not enough memory for 5 pictures"):
        ImageFolder(write(PETS))
