"""specframe: a deep-learning micro-framework that keeps its feature maps in the spectrum.

    Tensor, Tape        arrays that remember where they came from, and the record that walks back
    Op, apply           what an operation is, to write one of your own
    ops                 every operation, its equation, forward and backward written out by hand
    reference           run everything by those bodies; the faster ones are in specframe.fast
    saving, store       how saved activations are kept: dense, csr, mask, auto; for a part of a net
    memory, checkpoint  the laboratory: lossy stores, recomputing, slices, offload; imported on first use
    gradcheck           finite differences against the hand-written rules
    backend             NumPy or CuPy

`specframe.layers`, `.models`, `.optim`, `.data` and `.training` build on these and are imported by name.
"""

import importlib as _importlib
import os as _os
from typing import TYPE_CHECKING

_parent = _os.path.dirname(_os.path.dirname(_os.path.abspath(__file__)))
if _os.path.exists(_os.path.join(_parent, "setup.py")) and _parent not in __path__:
    # Imported from a checkout: the sub-packages (layers/, models/, ...) lie beside this folder, not inside it.
    __path__.append(_parent)

__version__ = "0.1.0"

from specframe import backend, fast, ops, saving  # noqa: E402
from specframe.gradcheck import GradcheckError, gradcheck  # noqa: E402
from specframe.op import Op, reference  # noqa: E402
from specframe.recording import store  # noqa: E402
from specframe.tape import Tape, apply  # noqa: E402
from specframe.tensor import Tensor  # noqa: E402

if TYPE_CHECKING:
    from specframe.memory import checkpoint

__all__ = [
    "GradcheckError", "Op", "Tape", "Tensor", "apply", "backend", "checkpoint", "fast", "gradcheck", "ops", "reference",
    "saving", "store",
]  # fmt: skip

# The laboratory is wired in here, so that the engine need not know of it.
saving.registry.more.append(lambda: _importlib.import_module("specframe.memory"))


def __getattr__(name: str) -> object:
    if name in ("checkpoint", "memory"):
        memory = _importlib.import_module("specframe.memory")
        return memory if name == "memory" else memory.checkpoint
    raise AttributeError(f"module 'specframe' has no attribute {name!r}")
