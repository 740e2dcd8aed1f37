"""The process's stream of seeds: different without a seed, the same after manual_seed, one for all threads."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from specframe import random


@pytest.fixture(autouse=True)
def unseeded_afterwards():
    yield
    random.manual_seed(None)


def draw(count=5):
    return [random.next_seed() for _ in range(count)]


def test_a_seed_fixes_what_follows():
    draws = []
    for seed in (3, 3, np.int64(3), 4):
        random.manual_seed(seed)
        draws.append(draw())
    assert draws[0] == draws[1] == draws[2] != draws[3]
    assert len(set(draws[0])) == 5 and all(0 <= number < 2**63 for number in draws[0])


def test_without_a_seed_nothing_repeats_not_even_in_another_process():
    random.manual_seed(3)
    seeded = draw()
    random.manual_seed(None)
    code = "from specframe.random import next_seed; print(next_seed())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len({*seeded, *draw(), *draw(), int(other.stdout)}) == 16


def test_generators_are_independent_and_follow_the_seed():
    draws = []
    for _ in range(2):
        random.manual_seed(5)
        one, other = random.generator(), random.generator()
        draws.append((one.random(), other.random()))
    assert draws[0] == draws[1] and draws[0][0] != draws[0][1]


def test_threads_share_the_stream_and_get_no_number_twice():
    random.manual_seed(1)
    expected = set(draw(4 * 500))
    random.manual_seed(1)
    found = [[] for _ in range(4)]
    threads = [threading.Thread(target=lambda numbers: numbers.extend(draw(500)), args=(mine,)) for mine in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {number for mine in found for number in mine} == expected and len(expected) == 2000


@pytest.mark.parametrize("seed", [-1, 1.5, "1"])
def test_what_is_no_seed_is_refused_and_changes_nothing(seed):
    random.manual_seed(2)
    expected = draw()
    random.manual_seed(2)
    with pytest.raises(ValueError, match=rf"^manual_seed: the seed must be a whole number, 0 or more, got {seed!r}$"):
        random.manual_seed(seed)
    assert draw() == expected


def test_a_seed_of_any_length_is_one():
    random.manual_seed(10**400)
    draw()
