"""Layers without a seed draw from one stream for the whole process: here, too, every test starts it anew."""

import pytest

from specframe.random import manual_seed


@pytest.fixture(autouse=True)
def seeded_layers():
    manual_seed(0)
