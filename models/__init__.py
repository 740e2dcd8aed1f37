"""Networks in plain Python, each spectral net beside its spatial twin."""

from specframe.models.lenet import LeNet5, SpecLeNet5

__all__ = ["LeNet5", "SpecLeNet5"]
