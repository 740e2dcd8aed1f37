"""Exercise 30: a batch among machines.

Each machine has a part of the batch: n examples, which may be few, or none.

1. Each has the gradient of the *mean* loss of its own n examples. What is the gradient of the mean loss of all? 2.
Batch normalisation needs mean and variance of the whole batch. Each machine has n, the mean of its examples and their
   energy, the sum of (x - mean)^2. What are n, mean and energy of all? Even when the mean is 1e8 and the variance 1.

Both functions are wrong. Mend them. Means, energies and gradients are arrays; a machine without examples sends zeros.
"""


def whole_gradient(parts):
    """From [(n, gradient), ...]."""
    return sum(gradient for _, gradient in parts) / len(parts)


def together(parts):
    """(n, mean, energy), from [(n, mean, energy), ...]."""
    total = sum(n for n, _, _ in parts)
    mean = sum(mean for _, mean, _ in parts) / len(parts)
    squares = sum(energy + n * m**2 for n, m, energy in parts)  # the sum of x^2
    return total, mean, squares - total * mean**2
