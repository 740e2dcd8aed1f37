import gzip
import struct
import tracemalloc

import numpy as np
import pytest

from specframe.data import DataError
from specframe.data.idx import read_idx

IMAGES = np.arange(2 * 3 * 4).reshape(2, 3, 4)
LABELS = np.array([7, 0, 9])


def refused(path, ndim=3):
    """The message with which a file is refused; it must begin with the file's name."""
    with pytest.raises(DataError) as caught:
        read_idx(path, ndim)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


@pytest.mark.parametrize("name", ["images", "images.gz"])
def test_images_come_back_as_written(write_idx, name):
    images = read_idx(write_idx(name, IMAGES), ndim=3)
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, IMAGES)


def test_labels_come_back_as_written(write_idx):
    np.testing.assert_array_equal(read_idx(write_idx("labels.gz", LABELS), ndim=1), LABELS)


def test_gzip_is_seen_from_the_content_not_the_name(write_idx, tmp_path):
    packed = write_idx("images.gz", IMAGES).rename(tmp_path / "images")
    np.testing.assert_array_equal(read_idx(packed, ndim=3), IMAGES)
    plain = write_idx("plain", IMAGES).rename(tmp_path / "plain.gz")
    np.testing.assert_array_equal(read_idx(plain, ndim=3), IMAGES)


def test_missing_file_is_named(tmp_path):
    assert "cannot be read: No such file" in refused(tmp_path / "absent")


def test_empty_file_is_named(tmp_path):
    (tmp_path / "empty").touch()
    assert "got an empty file" in refused(tmp_path / "empty")


def test_truncated_gzip_names_the_file(write_idx):
    path = write_idx("images.gz", IMAGES)
    path.write_bytes(path.read_bytes()[:-10])
    assert "truncated or damaged" in refused(path)


def test_damaged_gzip_names_the_file(write_idx):
    path = write_idx("images.gz", IMAGES)
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # in the check sum that ends the file
    path.write_bytes(content)
    assert "truncated or damaged" in refused(path)


def test_gzip_of_nothing_is_an_empty_file(tmp_path):
    (tmp_path / "nothing.gz").write_bytes(gzip.compress(b""))
    assert "got an empty file" in refused(tmp_path / "nothing.gz")


def test_labels_where_images_are_expected_are_refused(write_idx):
    message = refused(write_idx("labels", LABELS))
    assert "begins with 0x00000803, got 0x00000801" in message


def test_other_number_types_are_refused(tmp_path):
    (tmp_path / "floats").write_bytes(struct.pack(">4B3I", 0, 0, 0x0D, 3, 1, 1, 1) + bytes(4))
    assert "got 0x00000d03" in refused(tmp_path / "floats")


def test_a_web_pagesaved_as_the_file_is_refused(tmp_path):
    (tmp_path / "page").write_bytes(b"<html>Please log in</html>")
    assert "got 0x3c68746d" in refused(tmp_path / "page")


def test_file_that_ends_inside_the_magic_number_is_refused(tmp_path):
    (tmp_path / "short").write_bytes(b"\0\0\x08")
    assert "got 0x000008" in refused(tmp_path / "short")


def test_file_that_ends_inside_the_header_is_refused(write_idx):
    path = write_idx("images", IMAGES)
    path.write_bytes(path.read_bytes()[:10])
    assert "expected a header of 16 bytes, got a file of 10" in refused(path)


@pytest.mark.parametrize(("change", "length"), [(slice(None, -1), 39), (slice(None), 41)])
def test_length_that_contradicts_the_header_is_refused(write_idx, change, length):
    path = write_idx("images", IMAGES)
    path.write_bytes((path.read_bytes() + b"x" * (length == 41))[change])
    assert f"expected 40 bytes for an array of shape (2, 3, 4), got {length}" in refused(path)


def test_absurd_count_in_the_header_costs_no_memory(tmp_path):
    (tmp_path / "huge").write_bytes(struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3) + b"abc")
    assert "got 19" in refused(tmp_path / "huge")
    (tmp_path / "packed").write_bytes(gzip.compress((tmp_path / "huge").read_bytes()))
    assert "expected at most 54880000 numbers, got a header for an array of shape (4294967295" in refused(
        tmp_path / "packed"
    )


def test_bomb_is_read_no_further_than_its_header_says(write_idx):
    path = write_idx("images", IMAGES)
    path.write_bytes(gzip.compress(path.read_bytes() + bytes(100_000_000), 1))
    tracemalloc.start()
    assert "expected 40 bytes for an array of shape (2, 3, 4), got more" in refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_ratio_that_no_data_has_is_refused_unread(tmp_path):
    zeros = struct.pack(">4B3I", 0, 0, 8, 3, 60_000, 28, 28) + bytes(60_000 * 28 * 28)
    (tmp_path / "zeros").write_bytes(gzip.compress(zeros, 1))
    assert f"expected at most {16 * 2**20} bytes out of a packed file of" in refused(tmp_path / "zeros")


def test_limit_is_the_callers(write_idx):
    path = write_idx("images", IMAGES)
    assert read_idx(path, ndim=3, limit=24).shape == (2, 3, 4)
    with pytest.raises(DataError, match="expected at most 23 numbers"):
        read_idx(path, ndim=3, limit=23)


def test_truncated_content_in_a_whole_gzip_is_refused(write_idx):
    path = write_idx("images", IMAGES)
    path.write_bytes(gzip.compress(path.read_bytes()[:-5]))
    assert "expected 40 bytes for an array of shape (2, 3, 4), got 35" in refused(path)


def test_file_without_entries_is_refused(write_idx):
    assert "expected at least one entry" in refused(write_idx("none", np.zeros((0, 28, 28))))
