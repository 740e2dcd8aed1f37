"""What people type on a Tensor: methods are the ops of their names, comparisons plain arrays, reading gives numbers."""

import inspect
import math

import numpy as np
import pytest

import specframe as sf
from specframe.methods import INSTEAD, Methods
from tests.kit.strict import STRICT

X = np.array([[1.0, 5.0, 2.0], [4.0, 0.5, 3.0]])


@pytest.fixture
def x(be):
    return sf.Tensor(be.asarray(X), requires_grad=True)


# ---- computing -------------------------------------------------------------------------------------------------

SAME_AS_NUMPY = {
    "sum": lambda x: x.sum(axis=0, keepdims=True), "mean": lambda x: x.mean(1), "max": lambda x: x.max(0),
    "min": lambda x: x.min(keepdims=True), "var": lambda x: x.var(axis=1), "argmax": lambda x: x.argmax(1),
    "reshape": lambda x: x.reshape(3, -1), "transpose": lambda x: x.transpose(1, 0), "T": lambda x: x.T,
    "flatten": lambda x: x.flatten(), "squeeze": lambda x: x[:1].squeeze(), "clip": lambda x: x.clip(1, 3),
    "[]": lambda x: x[1, ::-1], "[...]": lambda x: x[..., 0], "@": lambda x: x @ x.T, "abs": lambda x: abs(x - 3),
    "+": lambda x: 1 + x + 1, "-": lambda x: 1 - x - 1, "*": lambda x: 2 * x * 2, "/": lambda x: 1 / x / 2,
    "**": lambda x: x**2, "negative": lambda x: -x, "astype": lambda x: x.astype(np.float32), "len": len,
}  # fmt: skip


@pytest.mark.parametrize("name", SAME_AS_NUMPY)
def test_it_is_what_numpy_gives(x, name):
    result, expected = SAME_AS_NUMPY[name](x), SAME_AS_NUMPY[name](X)
    result = result.numpy() if isinstance(result, sf.Tensor) else result
    assert np.asarray(result).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(result, expected, rtol=1e-15)


@pytest.mark.parametrize("name", ["abs", "exp", "log", "sqrt", "tanh", "relu"])
def test_functions_of_one_entry_are_the_ops(x, name):
    np.testing.assert_array_equal(getattr(x, name)().numpy(), getattr(sf.ops, name)(x).numpy())


@pytest.mark.parametrize("name", ["sum", "mean", "var", "max", "min", "argmax", "clip", "flatten", "squeeze"])
def test_a_method_has_the_parameters_of_its_op(name):
    def parameters(function):
        return [(p.name, p.default) for p in list(inspect.signature(function).parameters.values())[1:]]

    assert parameters(getattr(Methods, name)) == parameters(getattr(sf.ops, name))


def test_every_operator_is_recorded(be):
    x = sf.Tensor(be.asarray(np.array([2.0, 3.0])), requires_grad=True)
    with sf.Tape() as tape:
        y = ((1 + x) * 2 - 3 / x + x**2 + abs(-x) + (x @ x) + x[0] + x.exp().log()).sum()
    tape.backward(y)
    np.testing.assert_allclose(be.to_host(x.grad), [2 + 0.75 + 4 + 1 + 8 + 2 + 1, 2 + 3 / 9 + 6 + 1 + 12 + 1])


def test_an_array_on_the_left_gives_one_tensor(be):
    array, tensor = be.asarray(np.array([1.0, 2.0])), sf.Tensor(be.asarray(np.array([3.0, 4.0])))
    for result, expected in (
        (array + tensor, [4.0, 6.0]),
        (array - tensor, [-2.0, -2.0]),
        (array * tensor, [3.0, 8.0]),
        (array / tensor, [1 / 3, 0.5]),
        (array @ tensor, 11.0),
    ):
        assert isinstance(result, sf.Tensor)
        np.testing.assert_allclose(result.numpy(), expected)


# ---- comparing -------------------------------------------------------------------------------------------------

COMPARISONS = [
    lambda a, b: a == b, lambda a, b: a != b, lambda a, b: a < b, lambda a, b: a <= b, lambda a, b: a > b,
    lambda a, b: a >= b,
]  # fmt: skip


@pytest.mark.parametrize("compare", COMPARISONS)
def test_comparisons_are_plain_arrays_of_booleans_on_the_tensors_device(be, x, compare):
    row = np.array([1.0, 5.0, 0.0])
    for other, array in [(2.0, 2.0), (np.float32(2), 2), ([1.0, 5.0, 0.0], row), (sf.Tensor(be.asarray(row)), row)]:
        result = compare(x, other)
        assert isinstance(result, be.array_type) and result.dtype == bool
        np.testing.assert_array_equal(be.to_host(result), compare(X, array))
    for left, right in [(be.asarray(row), x), (x, be.asarray(row))]:
        result = compare(left, right)
        assert isinstance(result, be.array_type)
        np.testing.assert_array_equal(be.to_host(result), compare(*(X if side is x else row for side in (left, right))))


def test_the_comparison_of_numbers_is_an_array_too(be):
    result = sf.Tensor(be.asarray(np.array(2.0))) > 1
    assert isinstance(result, be.array_type) and result.shape == () and bool(result)


def test_what_is_no_array_is_not_equal_and_has_no_order(x):
    assert (x == None) is False and (x != "text") is True  # noqa: E711
    with pytest.raises(TypeError, match="not supported between instances"):
        assert x < None


def test_shapes_that_do_not_broadcast_and_two_devices_are_refused(be, x):
    with pytest.raises(ValueError, match="broadcast"):
        assert x == be.xp.ones(4)
    with pytest.raises(TypeError, match=r"^comparison: got arrays on two devices \(strict and cpu\)"):
        assert sf.Tensor(STRICT.xp.ones(3)) == np.ones(3)


def test_a_tensor_is_a_key_by_what_it_is_not_by_its_numbers(be):
    a, b = sf.Tensor(be.xp.ones(2)), sf.Tensor(be.xp.ones(2))
    assert {a: 1, b: 2}[a] == 1 and len({a, b, a}) == 2


# ---- reading ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_entry_is_a_number(be, shape):
    loss = sf.Tensor(be.asarray(np.full(shape, 2.5, np.float32)))
    assert (loss.item(), float(loss), int(loss), complex(loss), bool(loss)) == (2.5, 2.5, 2, 2.5 + 0j, True)
    assert type(loss.item()) is float and f"{loss:.3f}" == "2.500" and f"{loss:8.1e}" == " 2.5e+00"
    assert math.isfinite(loss) and not bool(loss * 0)


def test_an_integer_indexes_a_list(be):
    names, scores = ["cat", "dog"], sf.Tensor(be.asarray(np.array([0.1, 0.9])))
    assert names[scores.argmax()] == "dog" and f"{scores.argmax():3d}" == "  1"
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        names[scores[0]]


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (lambda x: x.item(), r"item\(\)"), (float, r"float\(\)"), (int, r"int\(\)"), (bool, r"bool\(\)"),
        (complex, r"complex\(\)"), (range, r"index\(\)"), (lambda x: f"{x:.3f}", "the format '.3f'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(3,), (0,), (2, 1)])
def test_several_entries_are_no_number(be, read, what, shape):
    with pytest.raises(ValueError, match=rf"^Tensor: {what} takes one entry, got shape \({shape[0]},"):
        read(sf.Tensor(be.xp.ones(shape)))


def test_lists_iteration_and_length(be, x):
    assert x.tolist() == X.tolist() and type(x.tolist()[0][0]) is float and len(x) == 2
    rows = list(x)
    assert all(isinstance(row, sf.Tensor) for row in rows) and [row.tolist() for row in rows] == X.tolist()
    assert list(sf.Tensor(be.xp.ones((0, 3)))) == [] and 3.0 in x[1]
    for read in (len, iter):
        with pytest.raises(TypeError, match=r"^Tensor: a 0-d tensor has no length$"):
            read(sf.Tensor(be.xp.ones(())))


def test_iteration_is_recorded(be, x):
    with sf.Tape() as tape:
        first, second = x
        y = (first * second).sum()
    tape.backward(y)
    np.testing.assert_array_equal(be.to_host(x.grad), X[::-1])


# ---- NumPy's door ------------------------------------------------------------------------------------------------


def test_numpy_takes_the_array_itself_or_a_copy_as_it_asks():
    x = sf.Tensor(X)
    assert np.asarray(x) is X and np.array(x) is not X and x.__array__() is X
    assert np.asarray(x, np.float32).dtype == np.float32
    assert not np.shares_memory(np.array(x), X) and not np.shares_memory(x.__array__(copy=True), X)
    assert x.__array__(copy=False) is X
    with pytest.raises(ValueError, match=r"^Tensor: float64 as float32 needs a copy$"):
        x.__array__(np.float32, copy=False)


def test_numpys_questions_have_the_right_answers(tmp_path):
    y = np.array([1, 2, 3])
    assert np.argmax(sf.Tensor([1.0, 5.0, 2.0])) == 1
    assert np.mean(sf.Tensor(y) == y) == 1.0 and np.mean(y == sf.Tensor(y + 1)) == 0.0
    np.savez(tmp_path / "x.npz", a=sf.Tensor(X), b=[sf.Tensor(1.0), sf.Tensor(2.0)])
    with np.load(tmp_path / "x.npz") as loaded:
        np.testing.assert_array_equal(loaded["a"], X)
        np.testing.assert_array_equal(loaded["b"], [1.0, 2.0])


def test_a_ufunc_of_numpys_is_refused():
    with pytest.raises(TypeError, match="does not support ufuncs"):
        np.exp(sf.Tensor(X))


def test_what_pytorch_calls_by_another_name_is_answered_with_ours():
    x = sf.Tensor(X)
    with pytest.raises(
        AttributeError, match=r"^Tensor has no 'backward': the tape goes back, tape.backward\(loss\), after"
    ):
        x.backward()
    with pytest.raises(AttributeError, match=r"^Tensor has no 'view': x.reshape\(shape\)$"):
        x.view(-1)
    with pytest.raises(AttributeError, match=r"^Tensor has no 'nonsense'$"):
        x.nonsense  # noqa: B018 - asking is what is tried
    assert getattr(x, "nonsense", 3) == 3
    assert not [name for name in INSTEAD if name in dir(x)]


# ---- print -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("array", "text"),
    [
        ([1.0, 2.0], "Tensor([1., 2.])"),
        (np.array([1, 2]), "Tensor([1, 2])"),
        (np.array([[1, 2.5]], np.float32), "Tensor([[1. , 2.5]], dtype=float32)"),
        (np.array(3.0), "Tensor(3.)"),
        ([1 + 2j], "Tensor([1.+2.j])"),
        (np.array([1], np.uint8), "Tensor([1], dtype=uint8)"),
        (np.zeros((0, 3)), "Tensor([], shape=(0, 3))"),
        ([[1.0, 2.0], [3.0, 4.0]], "Tensor([[1., 2.],\n        [3., 4.]])"),
    ],
)
def test_the_numbers_are_shown_as_numpy_shows_them(array, text):
    assert repr(sf.Tensor(array)) == str(sf.Tensor(array)) == f"{sf.Tensor(array)}" == text


def test_what_is_not_seen_in_the_numbers_is_said():
    assert repr(sf.Tensor([1.0], requires_grad=True)) == "Tensor([1.], requires_grad=True)"
    assert repr(sf.Parameter(np.ones(1, "f"))) == "Parameter([1.], dtype=float32, requires_grad=True)"
    assert repr(sf.Tensor(STRICT.xp.ones(1))) == "Tensor([1.], device='strict')"
    text = repr(sf.zeros(1000, 10))
    assert "..." in text and text.endswith("shape=(1000, 10), dtype=float32)") and len(text) < 1000
