import numpy as np
import pytest

from specframe.data import Dataset, concat

IMAGES, LABELS = np.zeros((4, 1, 2, 3), np.float32), np.array([0, 1, 2, 0])
NUMBERED = np.arange(20, dtype=np.float32).reshape(20, 1, 1, 1)


def numbered(name="numbered", n=20):
    """Images that are their own numbers, and labels that are these modulo 5."""
    return Dataset(NUMBERED[:n], np.arange(n) % 5, 5, name, classes="abcde", mean=0.5, std=2)


def values(data):
    return data.images.ravel().astype(int).tolist()


# ---- one sample and several ------------------------------------------------------------------------------------


@pytest.mark.parametrize("index", [3, -17, np.int64(3), np.uint8(3)])
def test_whole_number_gives_an_image_and_its_label(index):
    image, label = numbered()[index]
    assert image.shape == (1, 1, 1) and image.item() == 3
    assert label == 3 and type(label) is int


@pytest.mark.parametrize("index", [20, -21])
def test_number_out_of_range_is_an_index_error(index):
    with pytest.raises(IndexError, match=f"numbered: expected a number from -20 to 19, got {index}"):
        numbered()[index]


@pytest.mark.parametrize(
    ("index", "expected"),
    [
        (slice(2, 5), [2, 3, 4]),
        (slice(None, None, -9), [19, 10, 1]),
        ([7, 0, 7], [7, 0, 7]),
        (np.array([-1, 2]), [19, 2]),
        (np.arange(20) > 17, [18, 19]),
        ((4, 5), [4, 5]),
    ],
)
def test_slice_mask_or_numbers_give_a_data_set(index, expected):
    part = numbered()[index]
    assert values(part) == expected and part.labels.tolist() == [n % 5 for n in expected]
    assert (part.num_classes, part.classes, part.name) == (5, tuple("abcde"), "numbered")
    assert part.mean.tolist() == [0.5] and part.std.tolist() == [2]


def test_slice_shares_the_memory():
    assert np.shares_memory(numbered()[2:5].images, NUMBERED)


def test_nothing_left_is_refused():
    with pytest.raises(ValueError, match=r"numbered: .* N >= 1"):
        numbered()[5:5]


def test_iteration_gives_every_sample_once():
    samples = list(numbered())
    assert [image.item() for image, _ in samples] == list(range(20))
    assert [label for _, label in samples] == [n % 5 for n in range(20)]


def test_subset_is_the_first_samples_without_a_copy():
    data = Dataset(IMAGES, LABELS, 3, "toy").subset(2)
    assert (len(data), data.labels.tolist(), data.num_classes, data.name) == (2, [0, 1], 3, "toy")
    assert np.shares_memory(data.images, IMAGES)


@pytest.mark.parametrize("n", [0, -1, 5])
def test_subset_beyond_the_set_is_refused(n):
    with pytest.raises(ValueError, match=f"toy: expected a size from 1 to 4, got {n}"):
        Dataset(IMAGES, LABELS, 3, "toy").subset(n)


# ---- split and concat ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [15, 0.75, np.float32(0.75), np.int64(15)])
def test_split_shares_out_all_samples_at_random(size):
    first, second = numbered().split(size)
    assert len(first) == 15 and sorted(values(first) + values(second)) == list(range(20))
    assert values(first) != list(range(15))
    assert all(
        label == value % 5 for part in (first, second) for label, value in zip(part.labels, values(part), strict=True)
    )


def test_split_follows_from_the_seed():
    assert values(numbered().split(0.5, seed=3)[0]) == values(numbered().split(10, seed=3)[0])
    assert values(numbered().split(0.5, seed=3)[0]) != values(numbered().split(0.5, seed=4)[0])


@pytest.mark.parametrize("size", [0, 20, -1, 0.0, 1.0, 1.5, 0.01, float("nan")])
def test_split_that_leaves_one_part_empty_is_refused(size):
    with pytest.raises(ValueError, match="numbered: expected a size from 1 to 19, or a fraction"):
        numbered().split(size)


def test_concat_keeps_order_and_everything_else():
    data = concat(numbered("one", 5), numbered("two"), numbered("three", 1))
    assert values(data) == [*range(5), *range(20), 0]
    assert (data.name, data.classes, data.mean.tolist()) == ("one + two + three", tuple("abcde"), [0.5])


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Dataset(IMAGES, LABELS, 5, "other", "abcde", 0.5, 2), r"of shape \(1, 1, 1\) as in one, got \(1, 2, 3\)"),
        (Dataset(NUMBERED, np.arange(20) % 5, 5, "other", None, 0.5, 2), "classes .*'a'.* got .*'0'"),
        (Dataset(NUMBERED, np.arange(20) % 5, 5, "other", "abcde", 0, 2), r"mean \[0\.5\] as in one, got \[0\.0\]"),
        (Dataset(NUMBERED, np.arange(20) % 5, 5, "other", "abcde", 0.5), r"deviation \[2\.0\] as in one, got \[1\.0\]"),
    ],
)  # fmt: skip
def test_concat_of_sets_that_do_not_go_together_is_refused(other, message):
    with pytest.raises(ValueError, match=f"concat: expected .*{message}"):
        concat(numbered("one"), other)


# ---- what it is made of ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [[0, 1, 2, 0], (0, 1, 2, 0), LABELS.astype(np.uint8), LABELS.astype(">i4")])
def test_labels_may_be_any_whole_numbers(labels):
    data = Dataset(IMAGES, labels, 3, "toy")
    assert data.labels.dtype == np.int64 and data.labels.tolist() == [0, 1, 2, 0]


def test_number_and_names_of_the_classes_follow_from_each_other():
    assert Dataset(IMAGES, LABELS).num_classes == 3
    assert Dataset(IMAGES, LABELS).classes == ("0", "1", "2")
    assert Dataset(IMAGES, LABELS, classes=["ant", "bee", "cat", "dog"]).num_classes == 4


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES.astype(float), LABELS, "expected float32 images"),
        (IMAGES.astype(">f4"), LABELS, "expected float32 images"),
        (IMAGES[0], LABELS, "expected float32 images"),
        (IMAGES.tolist(), LABELS, "expected float32 images .* got list"),
        (IMAGES[:0], LABELS[:0], "N >= 1"),
        (IMAGES, LABELS[:3], r"expected int64 labels of shape \(4,\)"),
        (IMAGES, LABELS.astype(float), "expected int64 labels"),
        (IMAGES, LABELS > 0, "expected int64 labels"),
        (IMAGES, ["a", "b", "c", "d"], "expected int64 labels"),
        (IMAGES, None, "expected int64 labels"),
        (IMAGES, LABELS + 1, "expected labels 0 to 2, got some from 1 to 3"),
        (IMAGES, LABELS - 1, "expected labels 0 to 2, got some from -1 to 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images, labels, message):
    with pytest.raises(ValueError, match=f"toy: .*{message}"):
        Dataset(images, labels, 3, "toy")


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_at_the_end_are_named_as_such(channels):
    with pytest.raises(ValueError, match=r"toy: .* come last: images\.transpose\(0, 3, 1, 2\) puts them first"):
        Dataset(np.zeros((4, 28, 28, channels), np.float32), LABELS, 3, "toy")


def test_another_number_of_names_than_of_classes_is_refused():
    with pytest.raises(ValueError, match="toy: expected the names of 3 classes, got 2"):
        Dataset(IMAGES, LABELS, 3, "toy", classes=["ant", "bee"])
