"""Exercise 26: a kink, or a wrong rule?

Where an entry of x lies on the corner of a ReLU, or on the edge of a threshold, a central difference is not the
derivative, though the rule may be right. A checker that calls this "wrong" is soon ignored. Write one that tells the
difference. x, v and g are real arrays, and v and g have no small entries.

    "right"    the central difference agrees with the rule
    "kink"     it does not, and it cannot: the function has a corner or a jump within the step
    "wrong"    it does not, and the function is smooth there
"""

EPS = 1e-5


def verdict(f, backward, x, v, g):
    """ "right", "wrong" or "kink", for the direction v and the cotangent g."""
    raise NotImplementedError("the verdict")
