"""Exercise 29: keep few, run twice. The solution.

The first run needs no tape: each map is freed when the next is there, except for the inputs of the parts. Then, for
the last part, a leaf with its input, a tape, the layers again, and the walk back: leaf.grad is the gradient of the
loss with respect to the part's input, and that is the output of the part before, whose cotangent it is.

At once there are at most the inputs of the parts and the maps of one part: parts + n / parts, smallest for parts =
sqrt(n), where it is 2 sqrt(n) in place of n. Nothing is approximated, and the price is one more forward. Taking the
inputs off the list as they are used (pop) frees them one by one.
"""

import specframe as sf


def gradient(layers, x, gy, parts):
    """gx, an array, where y = layers[-1](... layers[0](x)) and gy is the cotangent of y."""
    size = -(-len(layers) // parts)
    inputs = []
    for i, layer in enumerate(layers):
        if i % size == 0:
            inputs.append(x.data)
        x = layer(x)
    while inputs:
        start = size * (len(inputs) - 1)
        leaf = sf.Tensor(inputs.pop(), requires_grad=True)
        with sf.Tape() as tape:
            y = leaf
            for layer in layers[start : start + size]:
                y = layer(y)
        tape.backward(y, gy)
        gy = leaf.grad
    return gy
