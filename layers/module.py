"""Module and Parameter: what owns weights.

A module finds its parameters, buffers and children by looking at its own attributes (and at lists of them); there is
nothing to register. Names are dotted paths of attributes: "conv1.weight", "blocks.0.weight".
"""

import contextlib
import threading

import numpy as np

from specframe import backend
from specframe.recording import current
from specframe.tensor import Tensor


class _Calling(threading.local):
    """The modules whose forward is running in this thread, outermost first."""

    def __init__(self):
        self.stack = []


_calling = _Calling()


class Parameter(Tensor):
    """A leaf Tensor that requires a gradient and belongs to a module."""

    __slots__ = ()

    def __init__(self, array):
        super().__init__(array, requires_grad=True)


class Module:
    """Base of layers and networks: subclasses set attributes and define `forward`.

    Attributes
    ----------
    training : bool
        True until `eval()`; batch normalisation and dropout look at it.
    buffer_names : tuple of str
        Attributes that hold arrays which belong to the state but are not trained.
    """

    buffer_names = ()
    training = True
    _observer = None

    def __call__(self, *args, **kwargs):
        tape = current()
        if tape is None:
            result = self.forward(*args, **kwargs)
        else:
            with tape.saving.layer(self._name_inside(_calling.stack)):  # the ledger tells what each layer saved
                _calling.stack.append(self)
                try:
                    result = self.forward(*args, **kwargs)
                finally:
                    _calling.stack.pop()
        if Module._observer is not None:
            Module._observer(self, result)
        return result

    def _name_inside(self, stack):
        """What the module that calls this one names it; the outermost has no name, a stranger that of its class."""
        if not stack:
            return ""
        return next((name for name, child in stack[-1].children() if child is self), type(self).__name__)

    @staticmethod
    @contextlib.contextmanager
    def observed(observer):
        """While this context lasts, `observer(module, result)` is called after every module's forward."""
        before, Module._observer = Module._observer, observer
        try:
            yield
        finally:
            Module._observer = before

    def forward(self, *args, **kwargs):
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def children(self):
        """(name, module) of the modules directly inside."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value
            elif isinstance(value, list | tuple):
                yield from ((f"{name}.{i}", item) for i, item in enumerate(value) if isinstance(item, Module))

    def modules(self, prefix=""):
        """(dotted name, module) of this one and everything inside, in the order of the attributes."""
        yield prefix, self
        for name, child in self.children():
            yield from child.modules(f"{prefix}.{name}" if prefix else name)

    def named_parameters(self):
        """(dotted name, Parameter), in the order of the attributes."""
        for prefix, module in self.modules():
            for name, value in vars(module).items():
                path = f"{prefix}.{name}" if prefix else name
                if isinstance(value, Parameter):
                    yield path, value
                elif isinstance(value, list | tuple):
                    yield from ((f"{path}.{i}", item) for i, item in enumerate(value) if isinstance(item, Parameter))

    def parameters(self):
        """The Parameters, as a list; one that two modules share is listed once."""
        return list({id(parameter): parameter for _, parameter in self.named_parameters()}.values())

    def named_buffers(self):
        """(dotted name, module, attribute) of the arrays that are state but not trained."""
        for prefix, module in self.modules():
            for name in module.buffer_names:
                yield f"{prefix}.{name}" if prefix else name, module, name

    def buffers(self):
        """The buffers' arrays, as a list."""
        return [getattr(module, name) for _, module, name in self.named_buffers()]

    def train(self, mode=True):
        """Set training mode everywhere inside; returns self."""
        for _, module in self.modules():
            module.training = mode
        return self

    def eval(self):
        """Set evaluation mode everywhere inside; returns self."""
        return self.train(False)

    def to(self, device):
        """Move parameters, gradients and buffers to "cpu", "cuda" or "auto"; returns self."""
        b = backend.get(device)
        for parameter in self.parameters():
            parameter.data = b.asarray(parameter.data)
            if parameter.grad is not None:
                parameter.grad = b.asarray(parameter.grad)
        for _, module, name in self.named_buffers():
            setattr(module, name, b.asarray(getattr(module, name)))
        return self

    @property
    def device(self):
        """The device of the first parameter ("cpu" where there is none)."""
        return next((parameter.device for parameter in self.parameters()), "cpu")

    def state_dict(self):
        """Copies of parameters and buffers as NumPy arrays, by dotted name, whatever the device."""
        state = {name: parameter.numpy().copy() for name, parameter in self.named_parameters()}
        return state | {name: backend.to_host(getattr(m, a)).copy() for name, m, a in self.named_buffers()}

    def load_state_dict(self, state):
        """Take the arrays of `state_dict()`; the module stays on its device.

        Raises
        ------
        ValueError
            A name is missing or unknown, or a shape differs: nothing is loaded then.
        """
        own = self.state_dict()
        if own.keys() != state.keys():
            missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
            raise ValueError(
                f"{type(self).__name__}: the state lacks {missing or 'nothing'}, and has unknown {unknown or 'nothing'}"
            )
        new = {}
        for name, array in own.items():
            given = np.asarray(state[name])
            if given.shape != array.shape:
                raise ValueError(f"{type(self).__name__}: {name} is {array.shape}, but the state has {given.shape}")
            if not np.can_cast(given.dtype, array.dtype, "same_kind"):
                raise ValueError(f"{type(self).__name__}: {name} is {array.dtype}, but the state has {given.dtype}")
            new[name] = given.astype(array.dtype)  # always a copy
        for name, parameter in self.named_parameters():
            parameter.data = parameter.backend.asarray(new[name])
        for name, module, attribute in self.named_buffers():
            b = backend.of(name, getattr(module, attribute))
            setattr(module, attribute, b.asarray(new[name]))
