"""Stochastic gradient descent with momentum.

    g = gradient + weight_decay * w
    v = momentum * v + g                      v starts as g
    w = w - lr * v                            Nesterov: w - lr * (g + momentum * v)

The paper writes k_1 = k_0 + lambda * gradient (eq. 4); descent needs the minus (docs/errata.md).
"""


class SGD:
    """SGD on a list of Parameters, in place.

    Parameters
    ----------
    params : list of Parameter
    lr : float above 0; may be changed at any time (schedules do)
    momentum : float in [0, 1)
    weight_decay : float, 0 or more
    nesterov : bool

    Raises
    ------
    ValueError
        No parameters, or a number out of range.
    """

    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        if not self.params:
            raise ValueError("SGD: got no parameters")
        if not lr > 0 or not 0 <= momentum < 1 or not weight_decay >= 0:
            raise ValueError(
                f"SGD: expected lr > 0, 0 <= momentum < 1 and weight_decay >= 0, got {lr}, {momentum}, {weight_decay}"
            )
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov needs a momentum above 0")
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self._velocity = [None] * len(self.params)

    def zero_grad(self):
        """Forget all gradients."""
        for parameter in self.params:
            parameter.grad = None

    def step(self):
        """One update; parameters without a gradient stay."""
        for i, parameter in enumerate(self.params):
            if parameter.grad is None:
                continue
            w, g = parameter.data, parameter.grad
            number = w.dtype.type  # plain floats would widen float32 arrays on some backends
            if self.weight_decay:
                g = g + number(self.weight_decay) * w
            if self.momentum:
                v = self._velocity[i]
                if v is not None and type(v) is not type(w):  # the model has moved to another device
                    v = self._velocity[i] = parameter.backend.asarray(v)
                if v is None:
                    v = self._velocity[i] = g.copy()
                else:
                    v *= number(self.momentum)
                    v += g
                g = g + number(self.momentum) * v if self.nesterov else v
            w -= number(self.lr) * g

    def state_dict(self):
        """Velocities as NumPy arrays by position, and the learning rate."""
        state = {"lr": self.lr}
        for i, (parameter, v) in enumerate(zip(self.params, self._velocity, strict=True)):
            if v is not None:
                state[f"velocity.{i}"] = parameter.backend.to_host(v).copy()
        return state

    def load_state_dict(self, state):
        """Take what `state_dict` gave, onto the parameters' devices.

        Raises
        ------
        ValueError
            A velocity does not fit its parameter.
        """
        known = {"lr", *(f"velocity.{i}" for i in range(len(self.params)))}
        if "lr" not in state or not state.keys() <= known:
            got = ", ".join(state) or "nothing"
            raise ValueError(f"SGD: expected lr and the velocities of {len(self.params)} parameters, got {got}")
        velocity = [state.get(f"velocity.{i}") for i in range(len(self.params))]
        for i, (parameter, v) in enumerate(zip(self.params, velocity, strict=True)):
            if v is not None and v.shape != parameter.shape:
                raise ValueError(f"SGD: velocity {i} is {v.shape}, its parameter {parameter.shape}")
        self.lr = float(state["lr"])
        self._velocity = [
            None if v is None else parameter.backend.asarray(v.copy())
            for parameter, v in zip(self.params, velocity, strict=True)
        ]
