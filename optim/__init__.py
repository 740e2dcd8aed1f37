"""Optimisers and learning-rate schedules."""

from specframe.optim.schedules import ConstantLR, CosineLR, OneCycleLR, Schedule, StepLR
from specframe.optim.sgd import SGD

__all__ = ["SGD", "ConstantLR", "CosineLR", "OneCycleLR", "Schedule", "StepLR"]
