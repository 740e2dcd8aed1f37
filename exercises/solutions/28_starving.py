"""Exercise 28: how a stack starves. The solution.

A uniform number on -b .. b has the variance b^2 / 3 = gain^2 / (3 c_in k^2). With independent weights and factors of
modulus 1,

    E|K|^2 = k^2 gain^2 / (3 c_in k^2) = gain^2 / (3 c_in)
    E|Y|^2 = sum over c_in channels of E|K|^2 E|X|^2 = gain^2 / 3

Neither c_in nor k is left. After L layers (gain^2 / 3)^L: with the gain 1 a third remains of the energy each time,
and the gain sqrt(3) keeps it.

Y is a sum of many independent terms: its parts are normal, each of variance energy / 2, and

    P(|Y| > beta) = integral of r exp(-r^2 / energy) (2 / energy) from beta on = exp(-beta^2 / energy).

With beta = 0.5 that is 0.78 at energy 1, 0.47 at 1/3, 0.11 at 1/9 and 0.001 at 1/27: three layers and nothing passes,
even before the threshold itself and tanh have taken their share.
"""

import math

GAIN = 3**0.5


def energy_after(layers, gain):
    """E|Y|^2 behind so many convolutions."""
    return (gain**2 / 3) ** layers


def density(energy, beta):
    """The share of entries with |Y| > beta, where E|Y|^2 = energy."""
    return math.exp(-(beta**2) / energy)
