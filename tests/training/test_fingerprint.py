"""The fingerprint of data: the same for the same data, another for any other."""

import importlib
import json
import tracemalloc

import numpy as np
import pytest

from specframe.data import Dataset
from specframe.training import fingerprint


def data(images=None, labels=None):
    images = np.arange(5 * 2 * 3 * 4, dtype=np.float32).reshape(5, 2, 3, 4) if images is None else images
    return Dataset(images, np.arange(len(images)) % 3 if labels is None else labels, 3, "tiny")


def test_it_is_a_few_numbers_for_json():
    found = fingerprint(data())
    assert found.keys() == {"images", "shape", "dtype", "crc"}
    assert (found["images"], found["shape"], found["dtype"]) == (5, [2, 3, 4], "float32")
    assert json.loads(json.dumps(found)) == found == fingerprint(data())


@pytest.mark.parametrize("place", [0, 59, 119])
def test_any_pixel_counts(place):
    images = data().images.copy()
    images.reshape(-1)[place] += 1
    assert fingerprint(data(images)) != fingerprint(data())


def test_labels_number_and_order_count():
    prints = [
        data(), data(labels=np.array([0, 1, 2, 0, 0])), data().subset(4), data(data().images[::-1].copy()),
        data(np.tile(data().images, (3, 1, 1, 1))),
    ]  # fmt: skip
    assert len({fingerprint(each)["crc"] for each in prints}) == 5


def test_a_view_has_the_fingerprint_of_its_content():
    images = np.asfortranarray(data().images)
    assert fingerprint(data(images)) == fingerprint(data())


def test_of_many_images_a_sample_is_read(monkeypatch):
    module = importlib.import_module("specframe.training.fingerprint")  # the function of that name hides it
    monkeypatch.setattr(module, "SAMPLE", data().images[:2].nbytes)
    changed = []
    for i in range(5):
        images = data().images.copy()
        images[i] += 1
        changed.append(fingerprint(data(images)) != fingerprint(data()))
    assert changed == [True, False, False, True, False]


def test_it_takes_no_memory():
    images = np.zeros((1000, 1, 32, 32), np.float32)
    tracemalloc.start()
    fingerprint(data(images))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < images.nbytes / 20
