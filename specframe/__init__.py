"""specframe: a deep-learning micro-framework that keeps its feature maps in the spectrum.

    Tensor, Tape        arrays that remember where they came from, and the record that walks back
    tensor, zeros, ...  Tensors from data, of one number, of random ones; manual_seed
    Op, apply           what an operation is, to write one of your own
    ops                 every operation, its equation, forward and backward written out by hand
    no_grad             run ops unrecorded
    reference           run everything by those bodies; the faster ones are in specframe.fast
    saving, store       how saved activations are kept: dense, csr, mask, auto; for a part of a net
    memory, checkpoint  the laboratory: lossy stores, recomputing, slices, offload; imported on first use
    gradcheck           finite differences against the hand-written rules
    save, load          arrays, and nets of specframe.models, in files of NumPy's or safetensors'
    draw                the graph of a forward as a picture, with its bytes and gradients
    interop             to PyTorch and back: to_torch, from_torch; imported on first use
    from_dlpack         arrays of PyTorch's, JAX's, CuPy's on the same memory
    profile             seconds and bytes of a model, by layer and op
    backend             NumPy or CuPy

`specframe.layers`, `.models`, `.optim`, `.data` and `.training` build on these and are imported by name; of layers,
`Module` and `Parameter` are here too.
"""

import importlib as _importlib
import os as _os
from typing import TYPE_CHECKING

_parent = _os.path.dirname(_os.path.dirname(_os.path.abspath(__file__)))
if _os.path.exists(_os.path.join(_parent, "setup.py")) and _parent not in __path__:
    # Imported from a checkout: the sub-packages (layers/, models/, ...) lie beside this folder, not inside it.
    __path__.append(_parent)

__version__ = "0.1.0"

from specframe import backend, fast, files, methods, ops, saving  # noqa: E402
from specframe.bodies import reference  # noqa: E402
from specframe.creation import arange, from_dlpack, full, ones, rand, randn, tensor, zeros  # noqa: E402
from specframe.files import load, save  # noqa: E402
from specframe.gradcheck import GradcheckError, gradcheck  # noqa: E402
from specframe.op import Op  # noqa: E402
from specframe.random import manual_seed  # noqa: E402
from specframe.recording import no_grad, store  # noqa: E402
from specframe.tape import Tape, apply  # noqa: E402
from specframe.tensor import Tensor  # noqa: E402

if TYPE_CHECKING:
    from specframe.layers import Module, Parameter
    from specframe.memory import checkpoint
    from specframe.models import interop
    from specframe.training.draw import draw
    from specframe.training.profile import profile

__all__ = [
    "GradcheckError", "Module", "Op", "Parameter", "Tape", "Tensor", "apply", "arange", "backend", "checkpoint",
    "draw", "fast", "from_dlpack", "full", "gradcheck", "interop", "load", "manual_seed", "no_grad", "ones", "ops",
    "profile", "rand", "randn", "reference", "save", "saving", "store", "tensor", "zeros",
]  # fmt: skip

methods.ops = ops  # what people type on a Tensor is an op, and ops need Tensor first

# The laboratory, and the nets that a file may hold, are wired in here, so that the engine need not know of them.
saving.registry.more.append(lambda: _importlib.import_module("specframe.memory"))
files.nets = lambda: _importlib.import_module("specframe.models.saved")


# Imported when first asked for: what these need is not needed by all, or comes after the engine.
_LATER = {  # "module", or "module:attribute"
    "checkpoint": "memory:checkpoint", "draw": "training.draw:draw", "interop": "models.interop", "memory": "memory",
    "Module": "layers:Module", "Parameter": "layers:Parameter", "profile": "training.profile:profile",
}  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'specframe' has no attribute {name!r}")
    place, _, attribute = _LATER[name].partition(":")
    module = _importlib.import_module(f"specframe.{place}")
    return getattr(module, attribute) if attribute else module
