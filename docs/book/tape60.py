"""A tape in sixty lines: `python docs/book/tape60.py`."""

import numpy as np

TAPE = []  # (output, inputs, rule): what ran, in the order in which it ran


class Value:
    """An array and, after backward, the gradient of the loss with respect to it."""

    def __init__(self, data):
        self.data, self.grad = np.asarray(data), np.zeros(np.shape(data))

    def __add__(self, other):
        return record(self.data + other.data, (self, other), lambda g: (g, g))

    def __mul__(self, other):
        return record(self.data * other.data, (self, other), lambda g: (g * other.data, g * self.data))


def record(data, inputs, rule):
    """A new Value, and the rule that turns its gradient into those of its inputs."""
    output = Value(data)
    TAPE.append((output, inputs, rule))
    return output


def matmul(x, w):
    return record(x.data @ w.data, (x, w), lambda g: (g @ w.data.T, x.data.T @ g))


def tanh(x):
    y = np.tanh(x.data)
    return record(y, (x,), lambda g: ((1 - y * y) * g,))


def total(x):
    return record(x.data.sum(), (x,), lambda g: (g * np.ones(x.data.shape),))


def backward(loss):
    """Walk the tape from its end; every rule runs once, when its output's gradient is complete."""
    loss.grad = np.ones(loss.data.shape)
    while TAPE:
        output, inputs, rule = TAPE.pop()
        for value, g in zip(inputs, rule(output.grad), strict=True):
            value.grad = value.grad + g


if __name__ == "__main__":
    rng = np.random.default_rng(0)
    inputs, w, v = (rng.standard_normal(shape) for shape in ((16, 2), (2, 8), (8, 1)))
    w, v, targets = Value(w), Value(v), np.sin(2 * inputs[:, :1] - inputs[:, 1:])
    for step in range(301):
        error = matmul(tanh(matmul(Value(inputs), w)), v) + Value(-targets)
        loss = total(error * error)
        backward(loss)
        w, v = Value(w.data - 0.01 * w.grad), Value(v.data - 0.01 * v.grad)
        if step % 100 == 0:
            print(f"step {step:3}   loss {float(loss.data):.3f}")
