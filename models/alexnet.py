"""AlexNet in space and in the spectrum, for 32 x 32 images.

    conv 11 x 11 stride 4, 64    32 -> 8      AlexNet: conv, (BN), ReLU   SpecAlexNet: spectral blocks; the stride of
    max-pool 2                    8 -> 4                                  the first is a decimation in the spectrum
    conv 5 x 5, 192; max-pool 2   4 -> 2
    conv 3 x 3, 384; 256; 256     2
    max-pool 2                    2 -> 1
    flatten, one linear layer

Both take the "same" convolution and keep every fourth of its rows and columns, from the first on.
"""

from specframe.models.chain import SpatialChain, SpectralChain, Stage

PLAN = (
    Stage(64, 11, stride=4), Stage(192, 5), Stage(384, 3, pooled=False), Stage(256, 3, pooled=False), Stage(256, 3),
)  # fmt: skip
BEST = {"scale": 8.0, "grid": "circular", "gain": 2.0, "batch_norm": "spectral", "spectral_stages": 1,
        "rectify": True}  # fmt: skip
PAPER = {"scale": 1.0, "grid": "paper", "gain": 1.0, "batch_norm": "none", "spectral_stages": 5, "rectify": False}


class AlexNet(SpatialChain):
    """The spatial net.

    Parameters
    ----------
    in_channels, num_classes : int
    image_size : int, rows and columns of the images, 29 or more
    width : float, scales all channels
    activation : "relu", "leaky_relu" or "tanh"
    batch_norm : bool, after each convolution
    seed : int, numpy Generator or None, of the initial weights
    dtype : float32 or float64

    Raises
    ------
    ValueError
        A number or name out of range; in a call, images that are not as announced.
    """

    plan, listed = PLAN, "layers"


class SpecAlexNet(SpectralChain):
    """The spectral net.

    Settings that are None take the value of BEST, or that of PAPER with `paper_strict`.

    Parameters
    ----------
    beta, scale : float, or one a stage; a stage's beta may be a list, one a convolution
    grid, norm, activation, gain : as in SpectralBlock
    batch_norm : "pool" (in space, after each stage and its pooling), "spectral" (inside the blocks) or "none"
    spectral_stages : int, 0 to 5
        Stages that work in the spectrum; the others are those of AlexNet with batch normalisation.
    rectify : bool
        ReLU after the pooling of each spectral stage: inside a block, frequencies never meet (docs/deep.md).
    paper_strict : bool
    others, and errors : as in AlexNet
    """

    plan, listed = PLAN, "layers"
    best, paper = BEST, PAPER
