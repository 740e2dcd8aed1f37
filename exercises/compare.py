"""Sentences about arrays: what is wrong with which, where, and by how much."""

from typing import Any

import numpy as np


class Wrong(Exception):
    """The answer is not right; the message is the sentence that says why."""


def same(name: str, got: Any, want: Any, accepted: float = 1e-9) -> None:
    """Raise Wrong unless `got` is `want`, up to `accepted` times the largest entry of `want`."""
    if isinstance(got, list | tuple | dict | str | set) or got is None or callable(got):
        raise Wrong(f"{name} is {_a(got)}, expected an array of shape {np.shape(want)}")
    got, want = np.asarray(got), np.asarray(want)
    if got.dtype.kind not in "biufc":
        raise Wrong(f"{name} is {_a(got.item() if got.ndim == 0 else got)}, expected numbers of shape {want.shape}")
    if got.shape != want.shape:
        raise Wrong(f"{name} has the shape {got.shape}, expected {want.shape}")
    if got.dtype.kind == "c" and want.dtype.kind != "c":
        raise Wrong(f"{name} is complex ({got.dtype}), expected a real array: what is real has a real gradient")
    finite = np.isfinite(got) | ~np.isfinite(want)
    if not finite.all():
        raise Wrong(f"{name} is not finite in {_count(~finite)}{_place(~finite)}")
    both = np.isnan(got) & np.isnan(want)
    with np.errstate(invalid="ignore"):
        error = np.where(both | (got == want), 0, abs(got - want))
    size = np.max(abs(want), initial=0, where=np.isfinite(want))
    bad = ~(error <= accepted * (size if size > 0 else 1.0))
    if bad.any():
        worst = np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), error.shape)
        at = f" at {[int(i) for i in worst]}" if worst else ""
        raise Wrong(
            f"{name} is wrong in {_count(bad)}{_place(bad)}; most{at}, where it is {number(got[worst])} "
            f"and {number(want[worst])} was expected{_resembles(got, want, accepted)}"
            if got.ndim
            else f"{name} is {number(got)}, and {number(want)} was expected"
        )


def filled(mine: Any, name: str) -> Any:
    """What the reader's module has under a name, once it is not None any more."""
    answer = getattr(mine, name)
    if answer is None:
        raise Wrong(f"{name} is not filled in yet")
    return answer


def exactly(name: str, got: Any, want: int) -> None:
    """Raise Wrong unless a number of bytes is exact."""
    if not isinstance(got, int | float | np.number) or isinstance(got, bool):
        raise Wrong(f"{name} is {_a(got)}, expected a number of bytes")
    if got != want:
        raise Wrong(f"{name} is {abs(got - want):,} bytes too {'small' if got < want else 'large'}")


def number(value: Any) -> str:
    """A number as a sentence prints it."""
    value = np.asarray(value).item()
    if isinstance(value, complex):
        return f"{value.real:.5g}{value.imag:+.5g}i"
    return f"{value:,}" if isinstance(value, int) else f"{value:.5g}"


def _a(value: Any) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _count(bad: Any) -> str:
    return "its only entry" if bad.size == 1 else f"{int(bad.sum())} of {bad.size} entries"


def _place(bad: Any) -> str:
    """Where all the bad entries share an index along an axis: which."""
    shared = [
        f"index {places[0]} of axis {axis}"
        for axis, places in enumerate(map(np.unique, np.nonzero(bad)))
        if places.size == 1 < bad.shape[axis]
    ]
    return f" (all with {' and '.join(shared)})" if shared and bad.sum() > 1 else ""


def _resembles(got: Any, want: Any, accepted: float) -> str:
    """What the wrong array is of the right one, where it is a multiple or the conjugate."""

    def is_(other: Any) -> bool:
        return bool(np.all(abs(got - other) <= 10 * accepted * np.max(abs(want), initial=0)))

    energy = np.vdot(want, want).real
    ratio = np.vdot(want, got).real / energy if energy > 0 and want.size > 1 else 1.0
    if want.dtype.kind == "c" and is_(want.conj()):
        return "; it is the conjugate of the right array"
    if ratio == 0 or not is_(ratio * want):
        return ""
    return f"; everywhere it is {ratio:.5g} times the right array"
