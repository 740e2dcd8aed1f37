import gzip
import io
import struct
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe.data import DataError, limits
from specframe.data.archive import read_members

A, B = b"first " * 100, b"second " * 50


def member(name, content=b"", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar_bytes(*members, **settings):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", **settings) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


GOOD = member("set/a.bin", A), member("set/b.bin", B)


@pytest.fixture
def write(tmp_path):
    """write(*members, or bytes of a tar) -> path of a .tar.gz file."""

    def write(*members):
        content = members[0] if isinstance(members[0], bytes) else tar_bytes(*members)
        path = tmp_path / "set.tar.gz"
        path.write_bytes(gzip.compress(content, mtime=0))
        return path

    return write


def read(path, names=("a.bin", "b.bin"), member_limit=1000, total_limit=100_000):
    return read_members(path, names, member_limit, total_limit)


def refused(path, **settings):
    """The message with which an archive is refused; it must begin with the file's name."""
    with pytest.raises(DataError) as caught:
        read(path, **settings)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# ---- what is read ----------------------------------------------------------------------------------------------


def test_members_come_back_as_packed_in_any_order_and_folder(write):
    path = write(member("b.bin", B), member("./x", type=tarfile.DIRTYPE), member("x/y/a.bin", A))
    assert read(path) == {"a.bin": A, "b.bin": B}


def test_only_the_members_asked_for_are_kept(write):
    path = write(*GOOD, member("set/readme.html", b"x" * 2000))
    assert read(path, names=["b.bin"]) == {"b.bin": B}


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_each_dialect_of_tar_is_read(write, format):
    deep = "/".join(["folder" * 10] * 3)
    assert read(write(tar_bytes(member(f"{deep}/a.bin", A), GOOD[1], format=format))) == {"a.bin": A, "b.bin": B}


def test_nothing_is_written_to_disk(write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(*GOOD)
    read(path)
    assert list(tmp_path.iterdir()) == [path]


def test_names_must_match_exactly(write):
    path = write(member("xa.bin", A), member("a.bin.bak", A), member("A.bin", A), member("a.bin/", type=b"5"), GOOD[1])
    assert refused(path) == f"{path}: the archive lacks a.bin"


# ---- what is refused although it could be read -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "/a.bin",
        "../a.bin",
        "set/../../a.bin",
        "..",
        "//host/share/a.bin",
        "C:/a.bin",
        "c:a.bin",
        "..\\a.bin",
        "\\a.bin",
    ],
)
def test_path_that_leaves_the_archive_is_refused(write, name):
    path = write(*GOOD, member(name, b"x"))
    assert refused(path) == f"{path}: expected paths inside the archive, got {name!r}"


@pytest.mark.parametrize(
    "type", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE], ids=repr
)
def test_links_and_devices_are_refused(write, type):
    path = write(*GOOD, member("c.bin", type=type, linkname="/etc/passwd"))
    assert "expected plain files and folders, got a link, device or sparse file 'c.bin'" in refused(path)


@pytest.mark.parametrize("format", ["old", "0.1", "1.0"])
def test_sparse_files_whose_zeros_cost_nothing_are_refused(write, format):
    if format == "old":
        info, _ = member("a.bin", type=tarfile.GNUTYPE_SPARSE)
        header = bytearray(info.tobuf(format=tarfile.GNU_FORMAT))
        header[483:495] = b"%011o\0" % 500  # its size when unpacked
        header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
        path = write(bytes(header) + tar_bytes(GOOD[1]))
    else:
        version = (
            {"GNU.sparse.map": "0,0", "GNU.sparse.size": "500"}
            if format == "0.1"
            else {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "500"}
        )
        content = b"1\n0\n0\n".ljust(512, b"\0") if format == "1.0" else b""
        path = write(tar_bytes(member("a.bin", content, pax_headers=version), GOOD[1], format=tarfile.PAX_FORMAT))
    assert "sparse file 'a.bin'" in refused(path)


def test_member_that_is_there_twice_is_refused(write):
    assert "expected one a.bin, got two" in refused(write(*GOOD, member("other/a.bin", A)))


def test_member_beyond_its_limit_is_refused(write):
    assert "a.bin: expected at most 599 bytes, got 600" in refused(write(*GOOD), member_limit=599)
    assert len(read(write(*GOOD), member_limit=600)) == 2


def test_bomb_is_cut_at_the_limit(write):
    path = write(*GOOD, member("zeros", bytes(5_000_000)))
    assert path.stat().st_size < 10_000
    assert "expected at most 100000 bytes when unpacked, got more" in refused(path)


def test_bomb_behind_the_end_of_the_archive_is_cut_at_the_limit(write):
    assert "expected at most 100000 bytes when unpacked, got more" in refused(write(tar_bytes(*GOOD) + bytes(200_000)))


@pytest.mark.parametrize("type", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE])
def test_long_header_is_refused_unread(write, type):
    header, _ = member("././@LongLink", bytes(5_000_000), type=type)
    path = write(header.tobuf() + bytes(5_000_000))
    assert "expected at most 65536 bytes of extended headers, got more" in refused(path, total_limit=10_000_000)


def test_ratio_that_no_data_has_is_refused(write, monkeypatch):
    monkeypatch.setattr(limits, "SMALL", 100_000)
    path = write(*GOOD, member("zeros", bytes(5_000_000)))
    assert "expected at most" in refused(path, total_limit=10_000_000)
    assert "when unpacked, got more" in refused(path, total_limit=10_000_000)


# ---- what cannot be read ---------------------------------------------------------------------------------------


def test_missing_file_is_named(tmp_path):
    assert "cannot be read: No such file" in refused(tmp_path / "absent")


def test_empty_file_is_named(tmp_path):
    (tmp_path / "empty").touch()
    assert "truncated or damaged one (empty file)" in refused(tmp_path / "empty")


def test_archive_of_nothing_is_refused(write):
    assert "truncated or damaged one (no archive in it)" in refused(write(bytes(1024)))


def test_a_web_page_saved_as_the_file_is_refused(tmp_path):
    (tmp_path / "page").write_bytes(b"<html>Please log in</html>")
    assert "Not a gzipped file" in refused(tmp_path / "page")


def test_gzip_of_something_else_is_refused(write):
    assert "expected a whole .tar.gz file" in refused(write(b"no archive" * 1000))


@pytest.mark.parametrize("kept", [5, 15, 100, -9, -1])
def test_truncated_file_is_refused_wherever_it_ends(write, kept):
    path = write(*GOOD)
    path.write_bytes(path.read_bytes()[:kept])
    assert "truncated or damaged" in refused(path)


def test_wrong_checksum_at_the_end_is_noticed_though_all_members_were_found(write):
    path = write(*GOOD)
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    assert "truncated or damaged one (CRC check failed" in refused(path)


@pytest.mark.parametrize(
    ("end", "message"),
    [
        (100, "truncated or damaged"),
        (512, "truncated or damaged"),
        (700, "truncated or damaged"),
        (1536, "the archive lacks b.bin"),  # just behind the first member
        (1600, "truncated or damaged"),
        (2060, "truncated or damaged"),
    ],
)
def test_archive_cut_before_it_was_packed_is_refused(write, end, message):
    assert message in refused(write(tar_bytes(*GOOD)[:end]))


def extended(content, type=tarfile.XHDTYPE):
    header, _ = member("pax", content, type=type)
    return header.tobuf() + content + bytes(-len(content) % 512)


def test_endless_row_of_headers_is_refused(write):
    header = tar_bytes(member("é", b""), format=tarfile.PAX_FORMAT)[:1024]
    path = write(header * 1500 + tar_bytes(*GOOD))
    assert "expected at most 1000 members, got more" in refused(path, total_limit=10_000_000)
    path = write(extended(b"".join(b"13 k%07d=\n" % n for n in range(1000))) * 6 + tar_bytes(*GOOD))
    assert "expected at most 65536 bytes of extended headers, got more" in refused(path, total_limit=10_000_000)
    path = write(*[member(f"{n}") for n in range(1001)])
    assert "expected at most 1000 members, got more" in refused(path, total_limit=10_000_000)


@pytest.mark.parametrize(
    "content",
    [
        b"9" * 60_000,
        b"99999 path=x\n",
        b"0 path=x\n",
        b"-5 path=x\n",
        b"4 a=\n",
        b"9 path\n12",
        b"11 path=xyz",
        b"x",
        b"8 a=xyz\n0 a=\n",
    ],
    ids=lambda content: repr(content[:12]),
)
def test_extended_header_that_contradicts_itself_is_refused(write, content):
    assert "truncated or damaged one (bad extended header)" in refused(write(extended(content) + tar_bytes(*GOOD)))


def test_extended_headers_of_the_whole_archive_are_passed_over(write):
    comment = extended(b"19 comment=made up\n14 path=x/y.z\n", tarfile.XGLTYPE)
    assert read(write(comment + tar_bytes(*GOOD))) == {"a.bin": A, "b.bin": B}


def test_size_in_an_extended_header_is_refused(write):
    assert "got one in an extended header" in refused(write(extended(b"10 size=7\n") + tar_bytes(*GOOD)))


def test_path_in_an_extended_header_is_checked_too(write):
    path = write(extended(b"18 path=../../b.c\n") + tar_bytes(*GOOD))
    assert "expected paths inside the archive, got '../../b.c'" in refused(path)


def test_negative_size_is_refused(write):
    header = bytearray(GOOD[0][0].tobuf())
    header[124:136] = b"\xff" * 12
    header[148:156] = b"%06o\0 " % (256 + sum(header[:148]) + sum(header[156:]))
    assert "truncated or damaged one (negative size)" in refused(write(bytes(header) + tar_bytes(*GOOD)))


def test_long_name_of_a_refused_member_makes_no_long_message(write):
    path = write(tar_bytes(member("../" + "x" * 60_000, b""), format=tarfile.GNU_FORMAT))
    assert len(refused(path)) < 1000


@given(st.data())
def test_damage_to_the_headers_ends_in_a_message_or_leaves_the_contents_alone(tmp_path_factory, data):
    content = bytearray(tar_bytes(member("set/é", b"readme"), *GOOD, format=tarfile.PAX_FORMAT))
    headers = [start for start in range(0, 5 * 512, 512) if bytes(content[start + 257 : start + 262]) == b"ustar"]
    start = data.draw(st.sampled_from(headers), label="header")
    for _ in range(data.draw(st.integers(1, 3), label="changes")):
        content[start + data.draw(st.integers(0, 511))] = data.draw(st.integers(0, 255))
    # The header's own sum is made right again: this is malice, not chance.
    sum_of_bytes = 256 + sum(content[start : start + 148]) + sum(content[start + 156 : start + 512])
    struct.pack_into("8s", content, start + 148, b"%06o\0 " % sum_of_bytes)
    path = tmp_path_factory.getbasetemp() / "damaged.tar.gz"
    path.write_bytes(gzip.compress(bytes(content), 1))
    try:
        found = read(path)
    except DataError:
        return
    assert found.keys() == {"a.bin", "b.bin"} and all(len(part) <= 1000 for part in found.values())
