"""Names of the laboratory's stores, and the settings that offload takes as text."""

import tempfile

import numpy as np
import pytest

from specframe.memory import stores
from specframe.memory.offload import OffloadStore
from specframe.saving import AutoStore, get_store


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [("mask16", "mask", "float16"), ("mask8", "mask", "int8"), ("mask4", "mask", "int4"), ("quant8", "quant", "int8"),
     ("quant4", "quant", "int4"), ("quant2", "quant", "int2"), ("topk", "topk", "exact"), ("dct", "dct", "int8")],
)  # fmt: skip
def test_a_name_says_the_kind_of_values(name, kind, values):
    store = get_store(name)
    assert (store.name, store.values) == (kind, values)


def test_offload_takes_a_store_a_directory_or_both(tmp_path):
    for text, inner, directory in [
        ("offload", "auto", tempfile.gettempdir()),
        ("offload:mask", "mask", tempfile.gettempdir()),
        (f"offload:{tmp_path}", "auto", str(tmp_path)),
        (f"offload:csr:{tmp_path}", "csr", str(tmp_path)),
        (f"offload:topk:0.5:int8:{tmp_path}", "topk", str(tmp_path)),
    ]:
        store = get_store(text)
        assert isinstance(store, OffloadStore)
        assert (store._inner.name, store._scratch.directory) == (inner, directory)
    assert get_store("offload:topk:0.5:int8")._inner.rate == 0.5
    assert isinstance(stores._offload()._inner, AutoStore)


@pytest.mark.parametrize("wrong", ["offload:zip", "offload:dense:2", "mask8:int4", "quant8:1", "dct:0.1:int8:2:2"])
def test_settings_that_a_store_does_not_have_are_refused(wrong):
    with pytest.raises(ValueError, match=r"unknown store 'zip'|does not take \d settings"):
        get_store(wrong)


def test_offload_of_a_lossy_store_is_lossy():
    assert get_store("offload").lossless and not get_store("offload:quant8").lossless
    assert get_store("offload:quant8").pack(np.ones(5000, np.float32)).format == "offload quant int8"
