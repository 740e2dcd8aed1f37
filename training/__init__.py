"""Training: the loop, its history, checkpoints, measurements and presets. Plots are in specframe.training.plots."""

from specframe.atomic import write_atomically
from specframe.training.allocator import keep_freed_memory, resident_bytes
from specframe.training.beta_warmup import BetaWarmup
from specframe.training.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from specframe.training.diagnose import first_bad_layer
from specframe.training.evaluate import evaluate, predict, step_cost
from specframe.training.fingerprint import fingerprint
from specframe.training.history import Epoch, History, write_csv
from specframe.training.interrupt import Interrupt
from specframe.training.output import say
from specframe.training.presets import PRESETS, Preset
from specframe.training.report import table, write_report
from specframe.training.run_folder import run_folder
from specframe.training.step import TrainingError, train_step
from specframe.training.training import Training, fit

__all__ = [
    "PRESETS", "BetaWarmup", "CheckpointError", "Epoch", "History", "Interrupt", "Preset", "Training",
    "TrainingError", "evaluate", "fingerprint", "first_bad_layer", "fit", "keep_freed_memory", "load_checkpoint",
    "predict", "resident_bytes", "run_folder", "save_checkpoint", "say", "step_cost", "table", "train_step",
    "write_atomically", "write_csv", "write_report",
]  # fmt: skip
