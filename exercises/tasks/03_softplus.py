"""Exercise 3: softplus, from its output alone.

    y = log(1 + e^x)

Derive the gradient gx from g = dL/dy, and write it. The forward saves y and not x, since the next op will probably keep
y anyway: so express the slope by y. The check looks at x = -500 and x = 800 too, digit by digit.
"""

import numpy as np

import specframe as sf


class Softplus(sf.Op):
    name = "softplus"

    @staticmethod
    def forward(ctx, x):
        y = np.logaddexp(0, x)
        ctx.save(y=y)
        return y

    @staticmethod
    def backward(ctx, g):
        y = ctx["y"].dense()
        raise NotImplementedError("the gradient of x, from y and g")
