import pytest

from specframe.data import DataError
from specframe.data.limits import check_ratio, most_unpacked


@pytest.mark.parametrize(
    ("packed", "unpacked"),
    [(9_912_422, 47_040_016), (28_881, 60_008), (170_052_171, 184_381_440), (182_040_794, 225_118_720)],
)
def test_published_files_are_far_from_the_limit(packed, unpacked):
    assert 4 * unpacked <= most_unpacked(packed)


def test_small_files_need_no_question():
    check_ratio("file", 16 * 2**20, 1)
    with pytest.raises(DataError) as caught:
        check_ratio("file", 16 * 2**20 + 1, 1)
    assert str(caught.value) == "file: expected at most 16777216 bytes out of a packed file of 1, got 16777217"


def test_large_ones_may_be_twenty_times_as_large_when_unpacked():
    check_ratio("file", 20 * 10**6, 10**6)
    with pytest.raises(DataError, match="expected at most 20000000 bytes out of a packed file of 1000000"):
        check_ratio("file", 20 * 10**6 + 1, 10**6)
