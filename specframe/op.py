"""Op and Context: what one operation is, and what it keeps from its forward to its backward.

An op is a class that is never instantiated. Its body to be read is in specframe/ops; there may be faster ones
(specframe/bodies.py).
"""

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

from specframe import parts
from specframe.arrays import array
from specframe.tensor import Tensor


class Op:
    """One operation: a pair of functions on arrays.

    `forward(ctx, *arrays, **options)` returns the result; `backward(ctx, gy)` returns one gradient for each array of
    forward, None where there is none. `remake(ctx, *arrays)`, where it exists, computes the result again from the
    arrays of forward; `recompute` says when a consumer may save those instead of the result:

        "always"     a view, or a transform that costs less than the bytes
        "if_kept"    where the inputs are saved anyway
        "block"      as "if_kept", but only under Tape(recompute="block")

    `exact_zeros` names the saved arrays whose zeros the backward reads as decisions: a lossy store keeps their support.
    """

    name: ClassVar[str] = ""
    recompute: ClassVar[str | None] = None
    exact_zeros: ClassVar[tuple[str, ...]] = ()
    forward: ClassVar[Callable[..., Any]]
    backward: ClassVar[Callable[..., Any]]
    remake: ClassVar[Callable[..., Any]]


class Decisions(NamedTuple):
    """An array of decisions among `levels` choices, on its way to being kept as bits."""

    array: Any
    levels: int


class Context:
    """What one op keeps from its forward to its backward.

    Small things (shapes, options) are plain attributes. Arrays go through `save` and `save_bits` and come back as
    handles: `ctx["x"].dense()`.

    Attributes
    ----------
    backend, xp : the device of the op's arrays, and its array module
    needs : tuple of bool
        For each input, whether its gradient will be asked for. All False outside a tape.
    recording : bool
        Whether anything saved will be used.
    spectrum : Spectrum or None
        Set by an op whose result is a half spectrum: what the result's Tensor says about it.
    saved : dict
        By name: what the op saved; arrays during the forward, handles from then on.
    """

    spectrum: Any = None

    def __init__(self, b: Any, needs: tuple[bool, ...]) -> None:
        self.backend, self.xp = b, b.xp
        self.needs, self.recording = needs, any(needs)
        self.saved: dict[str, Any] = {}

    def save(self, **values: Any) -> None:
        """Keep arrays of numbers: inputs, the output, or others. A lossy store may round them."""
        if self.recording:
            self.saved.update({name: array(value) for name, value in values.items()})

    def save_bits(self, levels: int = 2, **decisions: Any) -> None:
        """Keep decisions (booleans, or integers below `levels`), always exactly."""
        if self.recording:
            self.saved.update({name: Decisions(array(value), levels) for name, value in decisions.items()})

    def __getitem__(self, name: str) -> Any:
        return self.saved[name]

    # Three questions that have another answer where the forward runs twice (memory/), or on a part of the batch.

    def once(self, effect: Callable[[], Any]) -> Any:
        """The result of `effect()`, which must happen once however often the forward runs."""
        return effect()

    def over_batch(self, part: Any, combine: Callable[[list[Any]], Any]) -> Any:
        """`combine` of the parts of the whole batch; `part` itself where the batch is whole."""
        return parts.over_batch(part, combine)

    def random(self, key: Any, shape: tuple[int, ...], dtype: Any) -> Any:
        """Uniform numbers in [0, 1), fixed by `key`: the images at hand of a draw for the whole batch."""
        axis = parts.batch_axis(shape)
        start, whole = parts.place(shape[axis]) if shape else (0, 1)
        if not shape or whole == shape[axis]:
            return self.backend.random(key, shape, dtype)
        draw = self.backend.random(key, (*shape[:axis], whole, *shape[axis + 1 :]), dtype)
        return draw[(slice(None),) * axis + (slice(start, start + shape[axis]),)]


def check_tensors(op: str, *inputs: Any) -> None:
    """Refuse, in a sentence that names the op, what is neither a Tensor nor None."""
    for tensor in inputs:
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"{op}: expected a Tensor, got {type(tensor).__name__}; wrap it: sf.Tensor(array)")
