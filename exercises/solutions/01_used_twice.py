"""Exercise 1: a gradient that forgets. The solution.

By the chain rule for several variables, the slopes along all ways from a value to the loss add up. In c = b + b there
are two ways from b to c, each of slope 1. The walk meets them one after the other:

    value.grad = g                 keeps the last:      b.grad = 1, then a.grad = 1
    value.grad = value.grad + g    adds both:           b.grad = 2, then a.grad = 2 + 2 = 4

That b.grad is complete before b's own rule runs is what the order of the tape is for. A new array is made on purpose:
`value.grad += g` would change an array that a rule may have handed to two inputs, as that of a sum does.
"""

import numpy as np


def backward(tape, loss):
    """Walk the tape from its end, and leave dloss/dvalue in the grad of every value. The tape is empty afterwards."""
    loss.grad = np.ones(loss.data.shape)
    while tape:
        output, inputs, rule = tape.pop()
        for value, g in zip(inputs, rule(output.grad), strict=True):
            value.grad = value.grad + g
