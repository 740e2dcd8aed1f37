"""Exercise 26: a kink, or a wrong rule? The solution.

With F(t) = <g, f(x + t v)>, a function of one number, look at the two one-sided differences:

    right of x    a = (F(eps) - F(0)) / eps = F' + eps F''/2 + ...
    left of x     b = (F(0) - F(-eps)) / eps = F' - eps F''/2 + ...

Their mean is the central difference. On a smooth function a - b is eps F'', tiny, and *no rule* enters it. On a corner
a - b is the jump of the slope, on an edge the jump over eps.

If the rule is wrong on a smooth function, it is off by more than a - b. On a corner the derivative of either side
differs from the central difference by half of a - b, so it is off by less. The comparison needs no number of its own.
"""

import numpy as np

EPS = 1e-5


def verdict(f, backward, x, v, g):
    """ "right", "wrong" or "kink", for the direction v and the cotangent g."""
    behind, here, ahead = (np.sum(g * f(x + t * v)) for t in (-EPS, 0, EPS))
    measured, derived = (ahead - behind) / (2 * EPS), np.sum(v * backward(x, g))
    off = abs(measured - derived)
    if off < 1e-6 * max(abs(measured), abs(derived)):
        return "right"
    jump = abs((ahead - here) - (here - behind)) / EPS
    return "kink" if jump > off else "wrong"
