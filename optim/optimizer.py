"""What all optimisers share: groups of parameters with settings of their own, and a state that resumes to the bit."""

import math
from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np

from specframe.optim.parameters import Groups, as_list
from specframe.tensor import Tensor


class Setting:
    """A setting of the only group as an attribute: `optimizer.lr = 0.1`. Of several groups, the first one's is read."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, optimizer: "Optimizer", owner: type | None = None) -> Any:
        return self if optimizer is None else optimizer.param_groups[0][self.name]

    def __set__(self, optimizer: "Optimizer", value: Any) -> None:
        if len(optimizer.param_groups) > 1:
            raise ValueError(
                f"{type(optimizer).__name__}: there are {len(optimizer.param_groups)} groups; set"
                f" param_groups[i]['{self.name}'] of each"
            )
        optimizer.param_groups[0][self.name] = value


class Optimizer:
    """Base of the optimisers: subclasses define `check`, `slots` and `update`.

    Parameters
    ----------
    params : Module, or iterable of Parameters, of (name, Parameter) pairs, or of groups
        A group is a dict: "params", any of the former, and the settings that it has for itself.
    **settings : number
        Of every group that does not say otherwise. "lr" is one of them.

    Attributes
    ----------
    param_groups : list of dict
        Each with "params", a tuple, and every setting; settings may be changed at any time.
    params : list of all Parameters, in order
    lr : float, the rate of the only group

    Raises
    ------
    TypeError
        Something is not a Parameter.
    ValueError
        No parameters, one that is given twice, an unknown setting, or a number out of range.
    """

    lr = Setting()

    def __init__(self, params: Groups, **settings: Any):
        op = type(self).__name__
        groups = _as_groups(params)
        self.param_groups: list[dict[str, Any]] = []
        for i, group in enumerate(groups):
            if not isinstance(group, Mapping):
                raise TypeError(f"{op}: expected group {i} to be a dict with 'params', as the first is")
            if "params" not in group:
                raise TypeError(f"{op}: group {i} has no 'params', only {sorted(map(str, group)) or 'nothing'}")
            if unknown := group.keys() - settings.keys() - {"params"}:
                raise ValueError(f"{op}: group {i} has unknown settings {sorted(unknown)}, expected {sorted(settings)}")
            own = {**settings, **group, "params": tuple(as_list(op, group["params"]))}
            if not own["params"]:
                raise ValueError(f"{op}: got no parameters" + f" in group {i}" * (len(groups) > 1))
            for name in settings:
                if not all(isinstance(number, int | float | np.number) for number in _numbers(own[name])):
                    raise TypeError(f"{op}: {name} must be a number, got {own[name]!r}")
            self.check(**{name: own[name] for name in settings})
            self.param_groups.append(own)
        self.params: list[Tensor] = as_list(op, [p for group in self.param_groups for p in group["params"]])
        self._state: list[dict[str, Any]] = [{} for _ in self.params]

    # ---- what a subclass defines -------------------------------------------------------------------------------

    def check(self, *args: Any, **settings: Any) -> None:
        """Raise ValueError where a setting of a group is out of range."""
        raise NotImplementedError

    def slots(self, *args: Any, **settings: Any) -> tuple[str, ...]:
        """What is kept for a parameter from its first step on: names of arrays of its shape, and "step", a count."""
        raise NotImplementedError

    def update(self, *args: Any, **settings: Any) -> None:
        """update(weight, gradient, state, **settings): one update of the array `weight`, in place.

        `gradient` stays as it is. `state` is a dict with the slots, empty at first.
        """
        raise NotImplementedError

    # ---- what all have -----------------------------------------------------------------------------------------

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self.params:
            parameter.grad = None

    def step(self) -> None:
        """One update; parameters without a gradient stay."""
        states = iter(self._state)
        for group in self.param_groups:
            updates = []
            for parameter, state in zip(group["params"], states, strict=False):
                if parameter.grad is None:
                    continue
                for name, kept in state.items():
                    if name != "step" and type(kept) is not type(parameter.data):  # the model has changed its device
                        state[name] = parameter.backend.asarray(kept)
                updates.append((parameter.data, parameter.grad, state))
            self.update_all(updates, **_settings(group))

    def update_all(self, updates: list[tuple[Any, Any, dict[str, Any]]], **settings: Any) -> None:
        """`update` of each (weight, gradient, state)."""
        for weight, gradient, state in updates:
            self.update(weight, gradient, state, **settings)

    def state_dict(self) -> dict[str, Any]:
        """The learning rate (a list of several groups' rates), and "slot.i" of each parameter i that has had a step."""
        rates = [group["lr"] for group in self.param_groups]
        state: dict[str, Any] = {"lr": rates[0] if len(rates) == 1 else rates}
        for i, (parameter, slots) in enumerate(zip(self.params, self._state, strict=True)):
            for name, kept in slots.items():
                state[f"{name}.{i}"] = kept if name == "step" else parameter.backend.to_host(kept).copy()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what `state_dict` gave, onto the parameters' devices.

        Raises
        ------
        ValueError
            It does not fit these parameters and settings: nothing is loaded then.
        """
        op, left = type(self).__name__, dict(state)
        rates = left.pop("lr", None)
        rates = rates if isinstance(rates, list) else [rates]
        if len(rates) != len(self.param_groups) or not all(_is_rate(rate) for rate in rates):
            raise ValueError(f"{op}: expected the lr of {len(self.param_groups)} groups, got {rates}")
        loaded = []
        for i, (parameter, names) in enumerate(zip(self.params, self._slots(), strict=True)):
            kept = {name: left.pop(f"{name}.{i}") for name in names if f"{name}.{i}" in left}
            if len(kept) not in (0, len(names)):
                raise ValueError(f"{op}: the state has {', '.join(kept)} of parameter {i}, expected {', '.join(names)}")
            loaded.append({name: _fitting(op, name, i, parameter, value) for name, value in kept.items()})
        if left:
            raise ValueError(f"{op}: these {len(self.params)} parameters keep no {', '.join(map(str, left))}"[:200])
        for group, rate in zip(self.param_groups, rates, strict=True):
            group["lr"] = float(rate)
        self._state = loaded

    def _slots(self) -> list[tuple[str, ...]]:
        """The slots of each parameter."""
        return [self.slots(**_settings(group)) for group in self.param_groups for _ in group["params"]]


def _as_groups(params: Groups) -> list[Any]:
    """The groups that were given, or one of everything."""
    if not isinstance(params, Iterable) or isinstance(params, Tensor | Mapping | Set) or hasattr(params, "parameters"):
        return [{"params": params}]
    listed: list[Any] = list(params)  # it may be an iterator
    return listed if listed and isinstance(listed[0], Mapping) else [{"params": listed}]


def _numbers(setting: Any) -> Iterable[Any]:
    """The numbers of a setting that may be several."""
    return setting if isinstance(setting, tuple | list) else (setting,)


def _is_rate(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value < math.inf


def _settings(group: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name != "params"}


def _fitting(op: str, name: str, i: int, parameter: Tensor, value: Any) -> Any:
    """One slot of a loaded state: a count, or a copy on the parameter's device in its dtype."""
    if name == "step":
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"{op}: step {i} is {value}, expected a count")
        return value
    value = np.asarray(value)
    if value.shape != parameter.shape:
        raise ValueError(f"{op}: {name} {i} is {value.shape}, its parameter {parameter.shape}")
    if not np.can_cast(value.dtype, parameter.dtype, "same_kind"):
        raise ValueError(f"{op}: {name} {i} is {value.dtype}, its parameter {parameter.dtype}")
    return parameter.backend.asarray(value.astype(parameter.dtype))  # always a copy


def real_parts(*arrays: Any) -> list[tuple[Any, ...]]:
    """The arrays, as one tuple; complex ones as two, of views of all real and of all imaginary parts."""
    if arrays[0].dtype.kind == "c":
        return [tuple(a.real for a in arrays), tuple(a.imag for a in arrays)]
    return [arrays]
