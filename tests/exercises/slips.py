"""Mistakes that a reader may make on the way: (exercise, what the solution says, what stands there instead)."""

SLIPS = [
    (1, "value.grad = value.grad + g", "value.grad = np.maximum(value.grad, g)"),
    (1, "tape.pop()", "tape.pop(0)"),
    (2, "g.sum(axis=0)", "g.sum(axis=1)"),
    (2, "gx = g\n", "gx = -g\n"),
    (3, "-np.expm1(-y)", "(1 - np.exp(-y))"),
    (3, "-np.expm1(-y)", "1 / (1 + np.exp(-y))"),
    (4, "h_z = [5 - 7j, 15 + 8j]", "h_z = [5 + 7j, 15 - 8j]"),
    (4, "g_y = [4 + 6j, 1]", "g_y = [4 + 6j, 6 - 1j]"),
    (5, "(w * z).conj()", "(w * z.conj())"),
    (5, "k * np.sum(z.conj()", "np.sum(z.conj()"),
    (6, "(u.conj() * g).real", "(u * g).real"),
    (6, ") / abs(z)", ")"),
    (7, "len(g) * ", ""),
    (8, "(ctx.n + 1) // 2", "ctx.n // 2"),
    (9, "if W % 2 == 0:", "if W % 2 == 1:"),
    (9, "(P, W), axes", "axes"),
    (9, "P * W * ", "np.sqrt(P * W) * "),
]
