import numpy as np
import pytest

from specframe.data import Dataset

IMAGES, LABELS = np.zeros((4, 1, 2, 3), np.float32), np.array([0, 1, 2, 0])


def test_subset_is_the_first_samples_without_a_copy():
    data = Dataset(IMAGES, LABELS, 3, "toy").subset(2)
    assert (len(data), data.labels.tolist(), data.num_classes, data.name) == (2, [0, 1], 3, "toy")
    assert np.shares_memory(data.images, IMAGES)


@pytest.mark.parametrize("n", [0, -1, 5])
def test_subset_beyond_the_set_is_refused(n):
    with pytest.raises(ValueError, match=f"toy: expected a size from 1 to 4, got {n}"):
        Dataset(IMAGES, LABELS, 3, "toy").subset(n)


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (IMAGES.astype(float), LABELS, "expected float32 images"),
        (IMAGES[0], LABELS, "expected float32 images"),
        (IMAGES[:0], LABELS[:0], "N >= 1"),
        (IMAGES, LABELS[:3], r"expected int64 labels of shape \(4,\)"),
        (IMAGES, LABELS.astype(np.uint8), "expected int64 labels"),
        (IMAGES, LABELS + 1, "expected labels 0 to 2, got some from 1 to 3"),
        (IMAGES, LABELS - 1, "expected labels 0 to 2, got some from -1 to 1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(images, labels, message):
    with pytest.raises(ValueError, match=f"toy: .*{message}"):
        Dataset(images, labels, 3, "toy")
