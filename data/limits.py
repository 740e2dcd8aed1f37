"""How much a packed file may unpack to: pictures shrink to a half or a tenth, a bomb to a thousandth."""

from specframe.data.published import DataError

SMALL = 16 * 2**20  # bytes that need no question
MOST_TIMES = 20  # how often the packed size may go into the unpacked one; at most 5 times in the published sets


def most_unpacked(packed: int) -> int:
    """The most bytes that a packed file of that many may unpack to."""
    return max(SMALL, MOST_TIMES * packed)


def check_ratio(path: object, unpacked: int, packed: int) -> None:
    """Refuse `unpacked` bytes out of a file of `packed` bytes, if that many are not to be believed (DataError)."""
    if unpacked > (most := most_unpacked(packed)):
        raise DataError(f"{path}: expected at most {most} bytes out of a packed file of {packed}, got {unpacked}")
