"""Mistakes that a reader may make on the way: (exercise, what the solution says, what stands there instead)."""

SLIPS = [
    (1, "value.grad = value.grad + g", "value.grad = np.maximum(value.grad, g)"),
    (1, "tape.pop()", "tape.pop(0)"),
    (2, "g.sum(axis=0)", "g.sum(axis=1)"),
    (2, "gx = g\n", "gx = -g\n"),
    (3, "-np.expm1(-y)", "(1 - np.exp(-y))"),
    (3, "-np.expm1(-y)", "1 / (1 + np.exp(-y))"),
]
