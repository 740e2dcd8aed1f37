import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from specframe.data import DataError
from specframe.data.mat import read_mat

X = np.random.default_rng(0).integers(0, 256, (2, 3, 5), np.uint8)
Y = np.array([[1], [10], [9]], np.uint8)


def mat_bytes(compressed=True, **variables):
    """A file with X, Y and others, as SciPy writes it."""
    buffer = io.BytesIO()
    savemat(buffer, {"X": X, "Y": Y, **variables}, do_compression=compressed)
    return buffer.getvalue()


def swap_uncompressed(content):
    """The big-endian twin of a little-endian file of byte-sized numbers: all but text and numbers turned round."""
    words = bytearray(content)
    words[124:128] = b"\x01\x00MI"
    at = 128

    def turn(count=1):
        nonlocal at
        for _ in range(count):
            words[at : at + 4] = words[at : at + 4][::-1]
            at += 4

    while at < len(content):
        turn(2)  # the variable
        turn(4)  # flags
        length = struct.unpack_from("<I", content, at + 4)[0]
        turn(2 + -(-length // 8) * 2)  # axes
        for _ in "name", "numbers":
            kind, length = struct.unpack_from("<II", content, at)
            turn(1 if kind >> 16 else 2)
            at += 4 if kind >> 16 else -(-length // 8) * 8
    return bytes(words)


@pytest.fixture
def write(tmp_path):
    """write(content) -> path of a file."""

    def write(content):
        path = tmp_path / "set.mat"
        path.write_bytes(content)
        return path

    return write


def read(path, names=("X", "Y"), limit=1000):
    return read_mat(path, names, limit)


def refused(path, **settings):
    """The message with which a file is refused; it must begin with the file's name."""
    with pytest.raises(DataError) as caught:
        read(path, **settings)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)


# ---- what is read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", "u1 i1 u2 i2 u4 i4 u8 i8 f4 f8".split())
@pytest.mark.parametrize("shape", [(2, 3), (1, 1), (5, 1), (2, 3, 4, 5), (0, 3)])
def test_arrays_come_back_as_scipy_wrote_them(write, compressed, dtype, shape):
    expected = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    found = read(write(mat_bytes(compressed, numbers=expected)), ["numbers"])["numbers"]
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


def test_files_of_the_other_order_of_bytes_are_read(write):
    found = read(write(swap_uncompressed(mat_bytes(compressed=False))))
    np.testing.assert_array_equal(found["X"], X)
    np.testing.assert_array_equal(found["Y"], Y)


def test_other_variables_are_passed_over_whatever_they_are(write):
    others = {"text": "abc", "cell": np.array([[{}]], object), "record": {"a": 1}, "Z": 1j, "large": np.zeros(5000)}
    assert read(write(mat_bytes(**others)), ["Y"]).keys() == {"Y"}


def test_whole_array_is_read_in_many_pieces(write):
    noise = np.random.default_rng(1).integers(0, 256, (1000, 3000), np.uint8)  # 3 MB packed, too
    np.testing.assert_array_equal(read(write(mat_bytes(N=noise)), ["N"], limit=3_000_000)["N"], noise)


# ---- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value", ["text", 1j, {"a": 1}, np.array([[{}]], object)], ids=["text", "complex", "struct", "cell"]
)
def test_other_than_real_numbers_are_refused(write, value):
    assert "expected Z to be a real numeric array, got class" in refused(write(mat_bytes(Z=value)), names=["Z"])


def test_missing_variable_is_named(write):
    assert "expected a variable Z, got none" in refused(write(mat_bytes()), names=["X", "Z"])


def test_variable_that_is_there_twice_is_refused(write):
    assert "expected one variable X, got two" in refused(write(mat_bytes() + mat_bytes()[128:]))


def test_too_large_a_variable_is_refused_before_it_is_unpacked(write):
    path = write(mat_bytes(Z=np.zeros(10_000_000 // 8)))
    assert path.stat().st_size < 20_000
    assert "expected at most 1000 bytes, got an element of 10000000" in refused(path, names=["Z"])


def test_missing_file_is_named(tmp_path):
    assert "cannot be read: No such file" in refused(tmp_path / "absent")


def test_empty_file_is_named(write):
    assert "expected a MATLAB file, got an empty file" in refused(write(b""))


@pytest.mark.parametrize(
    "content", [b"<html>Please log in</html>", bytes(1000), b"MATLAB 6.0".ljust(124) + b"\x00\x02IM"]
)
def test_files_of_another_kind_are_refused(write, content):
    expected = f"expected a MATLAB file of version 5, got one that begins with 0x{content[:8].hex()}"
    assert expected in refused(write(content))


@pytest.mark.parametrize(
    "content", [b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM", b"\x89HDF\r\n\x1a\n" + bytes(99)]
)
def test_version_7_3_is_named(write, content):
    assert "got one of version 7.3 (HDF5), which is not read: save it with -v7" in refused(write(content))


def test_length_beyond_the_file_takes_no_memory(write):
    content = bytearray(mat_bytes(compressed=False))
    start = content.index(X.tobytes(order="F")) - 4
    content[start : start + 4] = struct.pack("<I", 10**7)
    path = write(content)
    tracemalloc.start()
    assert "truncated or damaged" in refused(path, limit=10**8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10**6


def test_ratio_that_no_data_has_is_refused_unread(write):
    path = write(mat_bytes(Z=np.zeros(10**7)))
    message = f"expected at most {16 * 2**20} bytes, got an element of 80000000"
    assert message in refused(path, names=["Z"], limit=10**8)


def test_more_axes_than_numpy_has_are_refused(write):
    content = mat_bytes(compressed=False, Z=np.zeros((1,) * 30, np.uint8))
    axes = struct.pack("<II", 5, 120) + struct.pack("<30i", *[1] * 30)
    more = struct.pack("<II", 5, 256) + struct.pack("<64i", 0, *[2**31 - 1] * 63)
    assert content.count(axes) == 1
    content = content.replace(axes, more)
    start = content.index(more) - 24
    content = content[: start + 4] + struct.pack("<I", len(content) - start - 8) + content[start + 8 :]
    assert "Z is damaged" in refused(write(content), names=["Z"])


@pytest.mark.parametrize("compressed", [True, False])
def test_truncated_file_is_refused_wherever_it_ends(write, compressed):
    content = mat_bytes(compressed)
    for end in range(1, len(content)):
        message = refused(write(content[:end]))
        assert any(part in message for part in ("truncated", "version 5", "expected a variable"))


def test_wrong_check_sum_of_a_packed_variable_is_noticed(write):
    content = bytearray(mat_bytes())
    content[-1] ^= 1
    assert "Error -3 while decompressing data: incorrect data check" in refused(write(content))


def test_packed_variable_that_goes_on_behind_its_end_is_refused(write):
    body = mat_bytes(compressed=False)[128:]
    length = struct.unpack_from("<I", body, 4)[0]
    packed = zlib.compress(body[: 8 + length] + b"more")
    content = mat_bytes()[:128] + struct.pack("<II", 15, len(packed)) + packed
    assert "does not end where its packed content does" in refused(write(content), names=["X"])


def test_numbers_that_go_on_behind_the_variable_are_refused(write):
    content = bytearray(mat_bytes(compressed=False))
    content[132] -= 8  # the length of the first variable
    assert "the file is truncated or damaged" in refused(write(content))


@pytest.mark.parametrize("kind", [0, 8, 10, 11, 14, 20, 88, 255])
def test_type_of_numbers_that_does_not_exist_is_refused(write, kind):
    content = bytearray(mat_bytes(compressed=False))
    start = content.index(X.tobytes(order="F")) - 8
    assert content[start] == 2  # uint8
    content[start] = kind
    assert f"X is damaged: 30 bytes of type {kind} for an array of shape (2, 3, 5)" in refused(write(content))


def test_axes_that_contradict_the_numbers_are_refused(write):
    content = bytearray(mat_bytes(compressed=False))
    start = content.index(struct.pack("<3i", 2, 3, 5))
    for wrong in ((-2, -3), (2, -1), (2, 4), (2, 2)):
        content[start : start + 8] = struct.pack("<2i", *wrong)
        assert f"X is damaged: 30 bytes of type 2 for an array of shape {(*wrong, 5)}" in refused(write(content))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        # the tag of the flags, of the axes, of the name: another length
        (struct.pack("<II", 6, 8), struct.pack("<II", 6, 16), "X is damaged: 16 bytes of flags"),
        (struct.pack("<II", 5, 12), struct.pack("<II", 5, 4), ""),
        (struct.pack("<II", 5, 12), struct.pack("<II", 5, 10), "X is damaged: 8 bytes of flags and 10 of axes"),
        (struct.pack("<HH", 1, 1), struct.pack("<HH", 1, 5), "the file is damaged: 5 bytes in a tag that holds four"),
        (struct.pack("<II", 5, 12), struct.pack("<II", 5, 257), "expected at most 256 bytes, got an element of 257"),
    ],
)
def test_small_elements_of_a_wrong_length_are_refused(write, old, new, message):
    content = mat_bytes(compressed=False)
    assert old in content
    assert message in refused(write(content.replace(old, new, 1)), names=["X"])


def test_what_is_no_variable_is_refused(write):
    content = mat_bytes(compressed=False)
    for kind in (5, 13, 0):
        changed = content[:128] + struct.pack("<I", kind) + content[132:]
        assert f"expected a variable, got an element of type {kind}" in refused(write(changed), names=["Y"])


def test_variable_that_ends_behind_the_file_is_refused_though_it_is_passed_over(write):
    content = mat_bytes(compressed=False, Z=np.zeros(3))
    assert read(write(content), names=["X", "Y"])
    assert "the file is truncated" in refused(write(content[:-8]), names=["X", "Y"])


@given(st.data())
def test_damage_ends_in_a_message_or_in_numbers_of_the_size_that_is_there(tmp_path_factory, data):
    content = bytearray(mat_bytes(compressed=False))
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        content[data.draw(st.integers(124, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.mat"
    path.write_bytes(content)
    try:
        found = read(path)
    except DataError:
        return
    assert found.keys() == {"X", "Y"} and all(array.nbytes <= 1000 for array in found.values())
