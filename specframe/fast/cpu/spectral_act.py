"""spectral_act on the entries that pass the threshold alone (kept.py)."""

import numpy as np

from specframe.backend import CPU
from specframe.fast.cpu import kept
from specframe.fast.register import register
from specframe.ops.spectral_act import SpectralAct


@register(SpectralAct, CPU)
class FastSpectralAct(SpectralAct):
    @staticmethod
    def forward(ctx, Y, s, beta, activation, scale):
        ctx.spectrum, ctx.beta, ctx.activation, ctx.scale = s, beta, activation, scale
        frequencies = Y.shape[0] * Y.shape[1]
        return kept.threshold_and_activate(ctx, Y.reshape(frequencies, -1), np.arange(frequencies), Y.shape)

    @staticmethod
    def backward(ctx, gZ):
        Z = ctx["Z"].sparse()
        shape = gZ.shape[0] * gZ.shape[1], Z.support.shape[1]
        gY = (np.empty if Z.rows is None else np.zeros)(shape, gZ.dtype)
        return kept.backward(ctx, gZ, Z, gY, Z.rows).reshape(gZ.shape)
