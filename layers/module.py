"""Module: what owns weights and computes with them. How it finds them and names them is in layers/tree.py."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from specframe import backend, files
from specframe.layers import printing
from specframe.layers.state import LoadResult, read_state, take_state
from specframe.layers.tree import Tree, once
from specframe.recording import current
from specframe.tensor import Tensor

M = TypeVar("M", bound="Module")


class _Calling(threading.local):
    """The modules whose forward is running in this thread, outermost first, and who watches them."""

    def __init__(self) -> None:
        self.stack: list[Module] = []
        self.observer: Callable[[Module, Any], None] | None = None


_calling = _Calling()


class Module(Tree):
    """Base of layers and networks: subclasses set attributes and define `forward`.

    Names and meaning of the methods are PyTorch's.

    Attributes
    ----------
    training : bool
        True until `eval()`; batch normalisation and dropout look at it.
    """

    training: bool = True

    # ---- calling -----------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Tensor:
        """`forward`, with real and complex arrays among the arguments as Tensors."""
        args = tuple(map(_as_tensor, args))
        if kwargs:
            kwargs = {name: _as_tensor(value) for name, value in kwargs.items()}
        tape = current()
        result: Any
        if tape is None:
            result = self.forward(*args, **kwargs)
        else:
            with tape.saving.layer(self._name_inside(_calling.stack)):  # the ledger tells what each layer saved
                _calling.stack.append(self)
                try:
                    result = self.forward(*args, **kwargs)
                finally:
                    _calling.stack.pop()
        if _calling.observer is not None:
            _calling.observer(self, result)
        return result

    def _name_inside(self, stack: "list[Module]") -> str:
        """What the module that calls this one names it; the outermost has no name, a stranger that of its class."""
        if not stack:
            return ""
        for name, value in vars(stack[-1]).items():  # nearly always an attribute itself
            if value is self:
                return name
        for named in (stack[-1].named_children(), stack[-1].named_modules()):
            for name, module in named:
                if module is self:
                    return name
        return type(self).__name__

    @staticmethod
    @contextlib.contextmanager
    def observed(observer: "Callable[[Module, Any], None]") -> Iterator[None]:
        """While this context lasts, `observer(module, result)` is called after each forward in this thread."""
        before, _calling.observer = _calling.observer, observer
        try:
            yield
        finally:
            _calling.observer = before

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def apply(self: M, fn: "Callable[[Module], object]") -> M:
        """Call `fn` with every module inside, the inner ones first, and this one last; returns self."""
        for _, module in list(once(self._walk(inner_first=True))):
            fn(module)
        return self

    # ---- modes and gradients -----------------------------------------------------------------------------------

    def train(self: M, mode: bool = True) -> M:
        """Set training mode everywhere inside; returns self."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self: M) -> M:
        """Set evaluation mode everywhere inside; returns self."""
        return self.train(False)

    @contextlib.contextmanager
    def mode(self: M, training: bool) -> Iterator[M]:
        """Everything inside in training or evaluation mode while this context lasts, then each part as it was."""
        before = [(module, module.training) for module in self.modules()]
        try:
            yield self.train(training)
        finally:
            for module, was_training in before:
                module.training = was_training

    def requires_grad_(self: M, requires_grad: bool = True) -> M:
        """Whether the parameters get gradients: False freezes them; returns self."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    def zero_grad(self) -> None:
        """Forget the parameters' gradients."""
        for parameter in self.parameters():
            parameter.grad = None

    # ---- devices -----------------------------------------------------------------------------------------------

    def to(self: M, device: Any) -> M:
        """Move parameters, gradients and buffers to "cpu", "cuda" or "auto"; returns self."""
        b = backend.get(device)
        for parameter in self.parameters():
            parameter.data = b.asarray(parameter.data)
            if parameter.grad is not None:
                parameter.grad = b.asarray(parameter.grad)
        for _, module, name in self.buffer_places():
            setattr(module, name, b.asarray(getattr(module, name)))
        return self

    @property
    def device(self) -> str:
        """The device of the first parameter ("cpu" where there is none)."""
        return next((parameter.device for parameter in self.parameters()), "cpu")

    # ---- state -------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of parameters and buffers as NumPy arrays, by dotted name, whatever the device.

        A part that is inside twice has both names, as in PyTorch.
        """
        return {name: backend.to_host(getattr(*place)).copy() for name, place in self._places().items()}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Take the arrays of `state_dict()`; the module stays on its device.

        Parameters
        ----------
        state : dict of arrays by dotted name
        strict : bool
            False takes what there is: names may be missing or unknown, and are returned.

        Returns
        -------
        LoadResult
            `missing_keys` and `unexpected_keys`, lists of names.

        Raises
        ------
        ValueError
            A name is missing or unknown under `strict`, or a shape differs: nothing is loaded then.
        """
        return take_state(type(self).__name__, self._places(), state, strict)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write `state_dict()` as `sf.save` does: a file that np.load reads or, by its name, one of safetensors'."""
        files.save(self, path)

    def load(self: M, path: str | os.PathLike[str]) -> M:
        """Take the state that `save` wrote; returns self.

        Raises
        ------
        OSError
            The file cannot be opened.
        ValueError
            It is damaged, or not of a module like this one: nothing is loaded then. For a part of the names there is
            `load_state_dict(dict(np.load(path)), strict=False)`.
        """
        read_state(path, type(self).__name__, self._places())
        return self

    # ---- printing ----------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """The settings that `print` shows: by default the constructor's arguments that are attributes too."""
        return printing.settings(self)

    def __repr__(self) -> str:
        return printing.table(self)


def _as_tensor(value: Any) -> Any:
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    return Tensor(value) if kind in ("f", "c") and not isinstance(value, Tensor | np.generic) else value
