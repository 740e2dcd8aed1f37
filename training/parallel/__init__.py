"""Several processes, ranks, that train one net together: what they ask of each other, and how they begin and end."""

from specframe.training.parallel.launch import join
from specframe.training.parallel.team import Team

__all__ = ["Team", "join"]
