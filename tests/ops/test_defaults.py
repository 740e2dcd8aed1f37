"""What the ops do with the arguments that a caller leaves out: numbers that the documentation promises."""

import inspect

import pytest

from specframe import ops

STATISTICS = {"running": None, "training": True, "momentum": 0.1, "eps": 1e-5}
REDUCTION = {"axis": None, "keepdims": False}
SPECTRAL = {"grid": None, "norm": None}
ACTIVATION = {"activation": "tanh", "scale": 1.0}

DEFAULTS = {
    "argmax": REDUCTION,
    "avg_pool2d": {"size": 2, "stride": None},
    "batch_norm2d": STATISTICS,
    "clip": {"min": None, "max": None},
    "concatenate": {"axis": -1},
    "conv2d": {"bias": None, "stride": 1, "padding": 0},
    "convert": {"device": None, "dtype": None},
    "dropout": {"p": 0.5, "key": (0,), "training": True},
    "flatten": {"start": 0, "end": -1},
    "irfft2": {**SPECTRAL, "size": None},
    "layer_norm": {"beta": None, "eps": 1e-5},
    "leaky_relu": {"slope": 0.01},
    "linear": {"bias": None},
    "log_softmax": {"axis": -1},
    "max": REDUCTION,
    "max_pool2d": {"size": 2, "stride": None},
    "mean": REDUCTION,
    "min": REDUCTION,
    "pad": {"value": 0},
    "rfft2": {"norm": "ortho"},
    "softmax": {"axis": -1},
    "spectral_act": {"beta": 0.5, **ACTIVATION},
    "spectral_batch_norm2d": STATISTICS,
    "spectral_conv2d": {"bias": None, **SPECTRAL},
    "spectral_conv_act": {"bias": None, "beta": 0.5, **ACTIVATION, **SPECTRAL},
    "split_activation": ACTIVATION,
    "split_tanh": {"scale": 1.0},
    "squeeze": {"axis": None},
    "stack": {"axis": 0},
    "sum": REDUCTION,
    "var": {**REDUCTION, "correction": 0},
}


@pytest.mark.parametrize("name", ops.__all__)
def test_the_defaults_are_those_that_are_promised(name):
    parameters = inspect.signature(getattr(ops, name)).parameters.items()
    found = {argument: p.default for argument, p in parameters if p.default is not p.empty}
    assert found == DEFAULTS.get(name, {})
