import pytest

from specframe.data import published
from tests.data.samples import CONTENT, data_file


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"\0"], ids=["size", "bytes"])
def test_other_checksum_is_said_once_in_one_line(tmp_path, capsys, content):
    path = tmp_path / "digits.bin"
    path.write_bytes(content)
    published.notice_other_checksum(path, data_file())
    published.notice_other_checksum(path, data_file())
    assert capsys.readouterr().err == (
        f"{path}: not the published file (another SHA-256), but its structure is right: used\n"
    )


def test_published_checksum_is_not_worth_a_word(tmp_path, capsys):
    path = tmp_path / "digits.bin"
    path.write_bytes(CONTENT)
    published.notice_other_checksum(path, data_file())
    assert capsys.readouterr().err == ""
