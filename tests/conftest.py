"""Fixtures for all tests: fixed seeds, one test body for every backend, data sets where they are at hand."""

import os
import random
import sys
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from specframe import backend, reference
from specframe.random import manual_seed
from tests.kit.strict import STRICT

hypothesis.settings.register_profile("specframe", derandomize=True, deadline=None, max_examples=30)
hypothesis.settings.load_profile("specframe")


@pytest.fixture(autouse=True)
def seeded():
    """Every test starts from the same state of the global generators, whatever ran before it."""
    random.seed(0)
    manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - it is the global state that is fixed here
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture
def rng():
    return np.random.default_rng(20190527)


@pytest.fixture(params=["cpu", "plain", "strict", "cuda"], scope="module")
def be(request):
    """One test body for every backend: NumPy with the fast bodies, NumPy with the plain ones, the strict stand-in for
    CuPy, and CuPy where there is a GPU.

    A backend has no state that a test could leave behind, so Hypothesis tests may use it: hence the scope.
    """
    if request.param == "plain":
        with reference():
            yield backend.get("cpu")
    elif request.param == "strict":
        yield STRICT
    else:
        try:
            yield backend.get(request.param)
        except backend.DeviceError as error:
            pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Without a GPU many tests skip for one reason; given one place, the summary folds them into one line."""
    report = yield
    if report.skipped and "device 'cuda'" in str(report.longrepr):
        report.longrepr = (__file__, None, report.longrepr[2])
    return report


@pytest.fixture(scope="session")
def data_root():
    """The folder with the data sets' files, named by SPECFRAME_DATA."""
    folder = os.environ.get("SPECFRAME_DATA")
    if not folder:
        pytest.skip("SPECFRAME_DATA is unset: it names the folder with the data sets' files")
    return Path(folder)
