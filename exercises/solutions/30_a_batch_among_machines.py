"""Exercise 30: a batch among machines. The solution.

1. n times the mean of a part is its sum, and sums add up: (sum over the parts of n gradient) / (sum of n). The plain
mean
   of the parts' gradients is right only where all n are equal: the last batch of an epoch usually is not.

2. The mean in the same way. For the energy, with m the mean of one part and `mean` that of all,

    sum (x - mean)^2 = sum (x - m)^2 + 2 (m - mean) sum (x - m) + n (m - mean)^2 = energy + 0 + n (m - mean)^2.

   All terms are positive and of the size of the result. sum x^2 - n mean^2 is the same number on paper; with a mean of
   1e8 both terms are near n 1e16, a double has 16 digits, and nothing is left of a variance of 1.
"""


def whole_gradient(parts):
    """From [(n, gradient), ...]."""
    return sum(n * gradient for n, gradient in parts) / sum(n for n, _ in parts)


def together(parts):
    """(n, mean, energy), from [(n, mean, energy), ...]."""
    total = sum(n for n, _, _ in parts)
    mean = sum(n * m for n, m, _ in parts) / total
    return total, mean, sum(energy + n * (m - mean) ** 2 for n, m, energy in parts)
