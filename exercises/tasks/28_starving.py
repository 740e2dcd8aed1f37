"""Exercise 28: how a stack starves.

A spectral convolution's weights are drawn uniformly from -b .. b with b = gain / sqrt(c_in k^2). The spectrum that
comes in has E|X|^2 = 1 at every frequency and in every channel, as that of a map of independent numbers of variance 1
in the ortho norm. No bias, no threshold, no activation.

Predict: E|Y|^2 after some layers; the gain that keeps it at 1; and, for a Y whose parts are normal, the density that a
threshold beta leaves, which is the share of the entries with |Y| > beta. The check measures.
"""

GAIN = None


def energy_after(layers, gain):
    """E|Y|^2 behind so many convolutions."""
    raise NotImplementedError("the energy after some layers")


def density(energy, beta):
    """The share of entries with |Y| > beta, where E|Y|^2 = energy."""
    raise NotImplementedError("the density")
