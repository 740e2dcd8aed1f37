"""Exercise 25: a checker that checks nothing.

`f` takes an array x, real or complex, and returns an array; `backward(x, g)` returns the gradient of x, given that of
f(x). This checker compares them with a central difference, and believes nearly everything: a softmax whose backward
returns zeros, an FFT whose backward is the FFT. Mend it: right rules have to pass, wrong ones to be refused.
"""

import numpy as np

EPS = 1e-5


def agrees(f, backward, x):
    """Whether the rule agrees with the function at x."""
    y = f(x)
    g, v = np.ones_like(y), np.ones_like(x)
    measured = np.sum(g * (f(x + EPS * v) - f(x - EPS * v))) / (2 * EPS)
    derived = np.sum(v * backward(x, g))
    return abs(measured - derived) < 1e-2
