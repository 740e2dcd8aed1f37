"""Exercise 25: a checker that checks nothing. The solution.

    Re<g, f(x + eps v) - f(x - eps v)> / (2 eps)    against    Re<v, gx>,        <a, b> = sum conj(a) b

1. The cotangent g is random. With ones, f is replaced by its sum: the sum of a softmax is constant, so zeros are its
right
   gradient; and F 1 = F^H 1, a spike at 0.
2. The direction v is random. With ones, only the sum of gx is looked at. 3. Where f(x) is complex, g is complex,
where x is, v is: otherwise one part is never looked at. And the inner product is
   the real one of pairs of numbers, with the conjugate.
4. The difference is compared with the larger of the two numbers. An absolute 1e-2 accepts any rule of a function that
is
   small, and no rule of one that is large.
"""

import numpy as np

EPS = 1e-5
RNG = np.random.default_rng(0)


def normal(like):
    """Random numbers of an array's shape, complex where it is."""
    array = RNG.standard_normal(like.shape)
    return array + 1j * RNG.standard_normal(like.shape) if np.iscomplexobj(like) else array


def inner(a, b):
    return np.vdot(a, b).real


def agrees(f, backward, x):
    """Whether the rule agrees with the function at x."""
    y = f(x)
    g = normal(y)
    v = normal(x)
    measured = inner(g, f(x + EPS * v) - f(x - EPS * v)) / (2 * EPS)
    derived = inner(v, backward(x, g))
    return abs(measured - derived) < 1e-6 * max(abs(measured), abs(derived))
