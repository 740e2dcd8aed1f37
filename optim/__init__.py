"""Optimisers, learning-rate schedules, and clipping of gradients."""

from specframe.optim.adam import Adam, AdamW
from specframe.optim.clip import clip_grad_norm
from specframe.optim.optimizer import Optimizer
from specframe.optim.plateau import ReduceOnPlateau
from specframe.optim.rmsprop import RMSprop
from specframe.optim.schedules import ConstantLR, CosineLR, MultiStepLR, OneCycleLR, Schedule, StepLR
from specframe.optim.sgd import SGD
from specframe.optim.warmup import LinearWarmup

__all__ = [
    "SGD", "Adam", "AdamW", "ConstantLR", "CosineLR", "LinearWarmup", "MultiStepLR", "OneCycleLR", "Optimizer",
    "RMSprop", "ReduceOnPlateau", "Schedule", "StepLR", "clip_grad_norm",
]  # fmt: skip
