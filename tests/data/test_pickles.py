import pickle
import pickletools
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specframe.data import DataError, pickles
from specframe.data.pickles import Call, array, read_pickle

U1 = Call("numpy dtype", ("u1",), (3, "|"))
PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(plain, st.sampled_from(PROTOCOLS))
def test_plain_values_come_back(value, protocol):
    assert read_pickle(pickle.dumps(value, protocol)) == value


@given(st.binary(), st.sampled_from(PROTOCOLS[3:]))
def test_bytes_come_back(value, protocol):
    assert read_pickle(pickle.dumps(value, protocol)) == value


@given(st.binary(min_size=1), st.sampled_from(PROTOCOLS[:3]))
def test_bytes_of_the_old_rules_are_text_of_the_same_numbers(value, protocol):
    assert read_pickle(pickle.dumps(value, protocol)).encode("latin-1") == value


@pytest.mark.parametrize("protocol", PROTOCOLS[1:])
@pytest.mark.parametrize("dtype", "u1 i1 u2 i2 u4 i4 u8 i8 >i4 >u2".split())
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back(protocol, dtype, order):
    expected = np.arange(24).reshape(2, 3, 4).astype(dtype, order=order)
    found = array(read_pickle(pickle.dumps(expected, protocol)), 1000)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("protocol", PROTOCOLS[1:])
def test_lists_of_numbers_are_arrays(protocol):
    for values in ([3, 1, 2], list(np.arange(3)), list(np.arange(3, dtype=np.uint8))):
        assert array(read_pickle(pickle.dumps(values, protocol)), 1000).tolist() == [int(value) for value in values]


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(3),
        np.array(["a"]),
        np.array([None]),
        np.zeros(3, "c8"),
        ["a"],
        [1.5],
        [2**70],
        "text",
        3,
        {"a": 1},
        None,
    ],
    ids=repr,
)
def test_other_than_whole_numbers_are_refused(value):
    with pytest.raises(DataError, match="expected an array of whole numbers"):
        array(read_pickle(pickle.dumps(value)), 1000)


def test_array_beyond_its_limit_is_refused():
    with pytest.raises(DataError, match="expected an array of whole numbers"):
        array(read_pickle(pickle.dumps(np.zeros(1001, np.uint8))), 1000)


@pytest.mark.parametrize(
    "call",
    [
        Call("numpy.core.multiarray _reconstruct", (), (1, (2, -1), U1, False, b"1234")),
        Call("numpy.core.multiarray _reconstruct", (), (1, (2, 3), U1, False, b"1234")),
        Call("numpy.core.multiarray _reconstruct", (), (1, (2, 2), Call("numpy dtype", ("u1",)), False, b"1234")),
        Call(
            "numpy.core.multiarray _reconstruct",
            (),
            (1, (2, 2), Call("numpy dtype", ("V1",), (3, "|")), False, b"1234"),
        ),
        Call("numpy.core.multiarray _reconstruct", (), (1, (1,) * 99, U1, False, b"1")),
        Call("numpy.core.numeric _frombuffer", (b"1234", U1, (2, 2), "C", (1, 0))),
        Call("numpy.core.numeric _frombuffer", (b"1234", U1, (2, 2), "X")),
        [Call("numpy.core.multiarray scalar", (U1, b"12"))],
    ],
    ids=range(8),
)
def test_arrays_that_contradict_themselves_are_refused(call):
    with pytest.raises(DataError, match="expected an array of whole numbers"):
        array(call, 1000)


def test_calls_are_written_down_and_not_made():
    value = read_pickle(b"cos\nsystem\n(S'echo'\ntR.")
    assert value == Call("os system", ("echo",))
    with pytest.raises(DataError, match="expected an array of whole numbers"):
        array(value, 1000)


@pytest.mark.parametrize(
    "content",
    [b"(S'a'\nios\nsystem\n.", b"(cos\nsystem\no.", b"Pname\n.", b"\x82\x01.", b"cos\nsystem\n)\x81.", b"\x8f.", b"0."],
    ids=["INST", "OBJ", "PERSID", "EXT1", "NEWOBJ", "EMPTY_SET", "POP"],
)
def test_instructions_that_plain_values_do_not_need_are_refused(content):
    with pytest.raises(DataError, match="got one with the instruction"):
        read_pickle(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"K\x01",
        b".",
        b"K\x01K\x02.",
        b"a.",
        b"g1\n.",
        b"]K\x01b.",
        b"(e.",
        b"\xff.",
        b"t.",
        b"K\x01\x86.",
        b"}K\x01K\x02s.",
    ],
)
def test_damaged_pickles_are_refused(content):
    with pytest.raises(DataError, match="expected a whole pickle"):
        read_pickle(content)


def test_odd_escapes_in_text_make_no_warning():
    assert read_pickle(b"S'\\q'\n.") == "\\q"


@pytest.mark.parametrize("end", range(0, 200, 7))
def test_truncated_pickle_is_refused_wherever_it_ends(end):
    with pytest.raises(DataError, match="expected a whole pickle"):
        read_pickle(pickle.dumps({"data": np.zeros((2, 30), np.uint8), "labels": list(range(99))}, 2)[:end])


CODES = {code.name: code.code.encode("latin-1") for code in pickletools.opcodes}


@pytest.mark.parametrize(
    "content",
    [
        CODES["LONG_BINPUT"] + b"\xff\xff\xff\x7f",
        CODES["BINBYTES8"] + b"\xff" * 7 + b"\x7f",
        CODES["EMPTY_TUPLE"] + CODES["TUPLE1"] * 100_000 + CODES["NONE"] + CODES["SETITEM"],
        CODES["MARK"] * 50_000 + CODES["TUPLE"] * 50_000,
        b"T\xff\xff\0\0" + b"x" * 65535 + b"q\x01" + b"c_codecs\nencode\nh\x01X\x06\0\0\0latin1\x86R" * 10_000,
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(J\xff\xff\xff\x7ftS'b'\ntR.",
    ],
    ids=["memory", "length", "deep_key", "marks", "copies", "shape"],
)
def test_bomb_takes_no_memory(content):
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            array(read_pickle(content), 10**6)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_endless_pickle_is_cut(monkeypatch):
    monkeypatch.setattr(pickles, "MOST_STEPS", 1000)
    assert read_pickle(CODES["NONE"] + CODES["TUPLE1"] * 998 + b".")
    with pytest.raises(DataError, match="expected a pickle of at most 1000 steps, got a longer one"):
        read_pickle(CODES["NONE"] + CODES["TUPLE1"] * 999 + b".")
