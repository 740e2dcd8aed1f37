"""Exercise 29: keep few, run twice.

`layers` is a list of functions from Tensor to Tensor. This function returns the gradient of x, and for that it holds
one map a layer. Rewrite it: cut the layers into `parts` of ceil(n / parts) (the last may be shorter), keep the input
of each part, and run each part a second time when its turn comes. No more than parts + ceil(n / parts) + 1 results of
layers may be alive at once, and no layer may run more than twice.
"""

import specframe as sf


def gradient(layers, x, gy, parts):
    """gx, an array, where y = layers[-1](... layers[0](x)) and gy is the cotangent of y."""
    leaf = sf.Tensor(x.data, requires_grad=True)
    with sf.Tape() as tape:
        y = leaf
        for layer in layers:
            y = layer(y)
    tape.backward(y, gy)
    return leaf.grad
