"""Chapter 10, checking: exercises 25 and 26."""

from collections.abc import Callable
from typing import Any

import numpy as np

from specframe.exercises.catalogue import exercise
from specframe.exercises.compare import Wrong
from specframe.exercises.differences import normal

Rule = Callable[[Any, Any], Any]


def _softmax(x: Any) -> Any:
    p = np.exp(x - x.max())
    return p / p.sum()


def _of_tanh(x: Any, g: Any) -> Any:
    return (1 - np.tanh(x) ** 2) * g


def _one_entry_off(x: Any, g: Any) -> Any:
    gx = _of_tanh(x, g)
    gx[3] *= 1.5
    return gx


A = normal(np.random.default_rng(5), 4, 6, complex=True)
# what it is, a function, its rule, whether x is complex, whether the rule is right
CASES: list[tuple[str, Callable[[Any], Any], Rule, bool, bool]] = [
    ("tanh", np.tanh, _of_tanh, False, True),
    ("tanh with a slope that is 1 % too large", np.tanh, lambda x, g: 1.01 * _of_tanh(x, g), False, False),
    ("tanh with one entry of many off", np.tanh, _one_entry_off, False, False),
    ("a complex matrix", lambda z: A @ z, lambda z, g: A.conj().T @ g, True, True),
    ("a complex matrix without the conjugate", lambda z: A @ z, lambda z, g: A.T @ g, True, False),
    ("fft", np.fft.fft, lambda z, g: len(g) * np.fft.ifft(g), True, True),
    ("fft whose rule is fft", np.fft.fft, lambda z, g: np.fft.fft(g), True, False),
    ("softmax", _softmax, lambda x, g: _softmax(x) * (g - np.sum(_softmax(x) * g)), False, True),
    ("softmax whose rule returns zeros", _softmax, lambda x, g: np.zeros_like(x), False, False),
    ("|z|", abs, lambda z, g: g * z / abs(z), True, True),
    ("|z| without its imaginary part", abs, lambda z, g: g * z.real / abs(z) + 0j, True, False),
    ("a factor of 1e-9", lambda x: 1e-9 * x, lambda x, g: 1e-9 * g, False, True),
    ("a factor of 1e-9 whose rule says 2e-9", lambda x: 1e-9 * x, lambda x, g: 2e-9 * g, False, False),
    ("a factor of 1e9", lambda x: 1e9 * x, lambda x, g: 1e9 * g, False, True),
    ("conj", np.conj, lambda z, g: g.conj(), True, True),
    ("conj whose rule is g", np.conj, lambda z, g: g, True, False),
]


@exercise(25, "a_checker_that_checks", chapter=10, stars=3, minutes=20, hint="""
    Ones as a cotangent: the sum of a softmax is constant, and F 1 = F^H 1. Ones as a direction: only the sum of gx is
    looked at. Complex numbers: g and v need imaginary parts, and the inner product is the real part of sum conj(a) b.
    And what is small beside a billion, and beside a billionth?""")  # fmt: skip
def check_25(mine: Any) -> str:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        for name, f, backward, complex_, right in CASES:
            says = mine.agrees(f, backward, normal(rng, 6, complex=complex_))
            if bool(says) != right:
                raise Wrong(f"{name}: the rule is {'right' if right else 'wrong'}, and your checker says {says}")
    wrong = sum(not right for *_, right in CASES)
    return f"{len(CASES) - wrong} right rules pass and {wrong} wrong ones are refused, at five points each"


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


def _hard(x: Any) -> Any:
    return np.where(abs(x) > 1, x, 0)


def _of_relu(x: Any, g: Any) -> Any:
    return (x > 0) * g


def _of_hard(x: Any, g: Any) -> Any:
    return (abs(x) > 1) * g


KINKS: list[tuple[str, Callable[[Any], Any], Rule, list[float], str]] = [
    ("relu, far from 0", _relu, _of_relu, [1.0, -2.0, 0.5], "right"),
    ("relu, an entry at 0", _relu, _of_relu, [1.0, 0.0, -2.0], "kink"),
    ("relu, an entry nearer to 0 than the step", _relu, _of_relu, [1.0, -1e-7, -2.0], "kink"),
    ("relu whose rule lets everything through, far from 0", _relu, lambda x, g: g, [1.0, -1.0, -2.0], "wrong"),
    ("the threshold 1, an entry at 1", _hard, _of_hard, [3.0, 1.0, 0.2], "kink"),
    ("the threshold 1, far from 1", _hard, _of_hard, [3.0, 2.0, 0.2], "right"),
    ("exp, which is curved", np.exp, lambda x, g: np.exp(x) * g, [3.0, -1.0, 0.2], "right"),
    ("exp whose rule is 0.1 % off", np.exp, lambda x, g: 1.001 * np.exp(x) * g, [3.0, -1.0, 0.2], "wrong"),
    ("tanh whose rule forgets g", np.tanh, lambda x, g: 1 - np.tanh(x) ** 2, [3.0, -1.0, 0.2], "wrong"),
]


@exercise(26, "kink_or_wrong", chapter=10, stars=3, minutes=20, hint="""
    On a smooth function the differences to the right and to the left differ by about eps, whatever the rule says. On a
    kink they differ by as much as the slope jumps. Compare that with how far the rule is off.""")  # fmt: skip
def check_26(mine: Any) -> str:
    for name, f, backward, x, right in KINKS:
        for seed in range(5):
            rng = np.random.default_rng(seed)
            g, v = (np.sign(normal(rng, 3)) * rng.uniform(0.5, 2, 3) for _ in range(2))
            says = mine.verdict(f, backward, np.array(x), v, g)
            if says != right:
                raise Wrong(f"{name}: the answer is {right!r}, and yours is {says!r}")
    return f"right, wrong and kink are told apart in {len(KINKS)} cases"
