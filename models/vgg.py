"""VGG16 in space and in the spectrum, for small images.

    stage   convolutions 3 x 3, same       32 x 32 images     VGG16                       SpecVGG16
      1     64, 64                          32 -> 16          conv, (BN), ReLU, ...       one spectral block a stage,
      2     128, 128                        16 ->  8          max-pool 2                  max-pool 2, (BN), ReLU
      3     256, 256, 256                    8 ->  4
      4     512, 512, 512                    4 ->  2
      5     512, 512, 512                    2 ->  1
    flatten, one linear layer (the usual head for CIFAR-10, in place of ImageNet's three)

A stage's convolutions share one grid, as in Algorithm 1. Late stages have maps so small that a half spectrum costs more
than the map; `spectral_stages` says how many, from the first on, work in the spectrum, the others are the twin's.
"""

from specframe.models.chain import SpatialChain, SpectralChain, Stage

PLAN = (Stage(64, 3, 2), Stage(128, 3, 2), Stage(256, 3, 3), Stage(512, 3, 3), Stage(512, 3, 3))
BEST = {"scale": 8.0, "grid": "circular", "gain": 2.0, "batch_norm": "spectral", "spectral_stages": 2,
        "rectify": True}  # fmt: skip
PAPER = {"scale": 1.0, "grid": "paper", "gain": 1.0, "batch_norm": "none", "spectral_stages": 5, "rectify": False}


class VGG16(SpatialChain):
    """The spatial net; its batch normalisation is on unless `batch_norm=False`.

    Parameters
    ----------
    image_size : int, rows and columns of the images, 32 or more
    others, and errors : as in AlexNet
    """

    plan, listed = PLAN, "stages"


class SpecVGG16(SpectralChain):
    """The spectral net.

    Settings that are None take the value of BEST, measured in docs/deep.md, or that of PAPER with `paper_strict`.

    Parameters
    ----------
    all : as in SpecAlexNet
    """

    plan, listed = PLAN, "stages"
    best, paper = BEST, PAPER
