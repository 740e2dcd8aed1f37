"""Exercise 1: a gradient that forgets.

This is the walk of chapter 1, and it contains one mistake. Take

    b = a + a,    c = b + b.

c is 4 a, so the gradient of c with respect to a is 4. This walk says 1. Mend it.

A tape is a list of (output, inputs, rule), in the order in which the ops ran. Values have `data` and `grad`, which is
zero at the start; `rule(g)` turns the gradient of the output into a tuple with one gradient for each input.
"""

import numpy as np


def backward(tape, loss):
    """Walk the tape from its end, and leave dloss/dvalue in the grad of every value. The tape is empty afterwards."""
    loss.grad = np.ones(loss.data.shape)
    while tape:
        output, inputs, rule = tape.pop()
        for value, g in zip(inputs, rule(output.grad), strict=True):
            value.grad = g
