"""A file of a data set as its publisher names it, and the word that is given when a local one is another.

A local file need not be the published one: the same data packed again has another checksum, and a set of one's own in
the same format is welcome. Its structure is checked by whoever reads it; that its content is another is said in one
line on stderr, so that damage is never silent.
"""

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path

from specframe.data.progress import say


class DataError(ValueError):
    """A data file is missing, damaged or cannot be downloaded; one sentence with the file, what came, what should."""


@dataclass(frozen=True)
class DataFile:
    """One file of a data set, as its publisher names it.

    Attributes
    ----------
    name : str
        The published name; a download is stored under it.
    size : int
        Length in bytes.
    sha256 : str
        64 hexadecimal digits.
    urls : tuple of str
        Complete addresses, tried in this order, once each.
    aliases : tuple of str
        Other names under which a local copy is accepted, such as the unpacked one's.
    md5 : str
        Of the content when unpacked, to know it in any packing; "" where it is not known for certain.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    md5: str = ""


def md5(*parts: bytes) -> str:
    """The MD5 of the parts, one after another: it recognises files, and keeps nobody out."""
    digest = hashlib.md5(usedforsecurity=False)
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


@functools.cache  # for a set that is loaded twice: said once
def notice_other_content(path: Path, difference: str) -> None:
    """Say in one line on stderr, once a path, that the file at `path` is used though it is not the published one."""
    say(f"{path}: not the published file ({difference}), but its structure is right: used")


@functools.cache  # and read once
def notice_other_checksum(path: Path, file: DataFile) -> None:
    """`notice_other_content`, if the file at `path` is not the published `file` byte for byte.

    For a reader to call when it has found the structure right.
    """
    digest = hashlib.sha256()
    if path.stat().st_size == file.size:  # else there is no need to read it
        with open(path, "rb") as content:
            while chunk := content.read(1 << 20):
                digest.update(chunk)
    if digest.hexdigest() != file.sha256:
        notice_other_content(path, "another SHA-256")
