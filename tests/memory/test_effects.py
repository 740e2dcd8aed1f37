"""once: an effect happens in the first run, and the second run is told what came of it."""

import threading

import pytest

from specframe.memory import effects
from specframe.memory.effects import logged, once, replayed

DIFFERS = "^checkpoint: fn did not do the same in its second run"


class Counter:
    """An effect: counts its calls and returns the count."""

    def __init__(self):
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return self.calls


def test_without_a_log_an_effect_just_happens():
    count = Counter()
    assert [once(count), once(count)] == [1, 2]


def test_the_second_run_is_told_in_order_and_nothing_happens():
    first, second, log = Counter(), Counter(), []
    with logged(log):
        told = once(first), once(second), once(first)
    for _ in range(2):  # the log stays as it is
        with replayed(log):
            assert (once(first), once(second), once(first)) == told == (1, 1, 2)
    assert (first.calls, second.calls) == (2, 1)
    assert once(first) == 3


def test_a_result_of_none_is_a_result():
    calls, log = [], []
    with logged(log):
        once(lambda: calls.append(1))
    with replayed(log):
        assert once(lambda: calls.append(2)) is None
    assert calls == [1]


def test_a_first_run_inside_a_second_one_reads_the_outer_log_and_writes_its_own():
    count, outer, inner = Counter(), [], []
    with logged(outer):
        once(count)
        once(count)
    with replayed(outer):
        once(count)
        with logged(inner):
            assert once(count) == 2
    with replayed(inner):
        assert once(count) == 2
    assert count.calls == 2 and outer == [1, 2] and inner == [2]


def test_nested_first_runs_both_write():
    count, outer, inner = Counter(), [], []
    with logged(outer), logged(inner):
        once(count)
    assert outer == inner == [1] and count.calls == 1


def test_a_second_run_inside_a_first_one_writes_nothing():
    count, outer = Counter(), []
    with logged(outer), replayed([7]):
        assert once(count) == 7
    assert outer == [] and count.calls == 0


@pytest.mark.parametrize("asked", [0, 1, 3])
def test_a_second_run_that_asks_for_more_or_less_is_refused(asked):
    count = Counter()
    with pytest.raises(RuntimeError, match=DIFFERS), replayed(["a", "b"]):
        for _ in range(asked):
            once(count)
    assert count.calls == 0 and effects._logs.stack == []


@pytest.mark.parametrize("log", [logged, replayed])
def test_an_exception_takes_its_log_away_and_passes_on(log):
    with pytest.raises(ZeroDivisionError), log(["left over"]):
        _ = 1 / 0
    assert effects._logs.stack == []


def test_an_effect_that_fails_is_not_logged():
    log = []
    with logged(log), pytest.raises(ZeroDivisionError):
        once(lambda: 1 / 0)
    assert log == []


def test_a_log_belongs_to_its_thread():
    count, log = Counter(), []
    with logged(log):
        worker = threading.Thread(target=lambda: once(count))
        worker.start()
        worker.join()
    assert log == [] and count.calls == 1
