"""specframe: a deep-learning micro-framework that keeps its feature maps in the spectrum.

    Tensor, Tape        arrays that remember where they came from, and the record that walks back
    ops                 every operation, its equation, forward and backward written out by hand
    storage, store      how saved activations are kept: dense, csr, mask, auto, and lossy formats; for a part of a net
    checkpoint          keep only the inputs of a part of a net, and run it again on the way back
    gradcheck           finite differences against the hand-written rules
    backend             NumPy or CuPy

`specframe.layers`, `.models`, `.optim`, `.data` and `.training` build on these and are imported by name.
"""

import os as _os

_parent = _os.path.dirname(_os.path.dirname(_os.path.abspath(__file__)))
if _os.path.exists(_os.path.join(_parent, "setup.py")) and _parent not in __path__:
    # Imported from a checkout: the sub-packages (layers/, models/, ...) lie beside this folder, not inside it.
    __path__.append(_parent)

__version__ = "0.1.0"

from specframe import backend, ops, storage  # noqa: E402
from specframe.checkpoint import checkpoint  # noqa: E402
from specframe.gradcheck import GradcheckError, gradcheck  # noqa: E402
from specframe.tape import Tape, store  # noqa: E402
from specframe.tensor import Tensor  # noqa: E402

__all__ = ["GradcheckError", "Tape", "Tensor", "backend", "checkpoint", "gradcheck", "ops", "storage", "store"]
