"""Memory as tracemalloc measures it: the ledger tells the truth, and beta buys bytes."""

import gc
import tracemalloc

import numpy as np
import pytest

import specframe as sf
from specframe import backend, ops
from specframe.models import LeNet5, SpecLeNet5
from specframe.optim import SGD

BATCH = 64


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(11)
    return rng.standard_normal((28, 28, BATCH, 1)).astype(np.float32), rng.integers(0, 10, BATCH)


def forward(model, batch, store="auto", recompute=None):
    """The tape and the loss; every other Tensor of the forward has gone out of scope."""
    with sf.Tape(store=store, recompute=recompute) as tape:
        loss = ops.softmax_cross_entropy(model(sf.Tensor(batch[0])), batch[1])
    return tape, loss


def step(model, optimizer, batch, **settings):
    tape, loss = forward(model, batch, **settings)
    tape.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    return tape.ledger.nbytes


def peak_of_a_step(beta, batch, **settings):
    model = SpecLeNet5(beta=beta)
    optimizer = SGD(model.parameters(), lr=1e-3, momentum=0.9)
    step(model, optimizer, batch, **settings)  # velocities, DFT matrices, imports
    gc.collect()
    with backend.get("cpu").peak_memory() as peak:
        saved = step(model, optimizer, batch, **settings)
    return peak.nbytes, saved


@pytest.mark.parametrize(
    ("model", "store", "recompute"),
    [
        *((SpecLeNet5(beta=0.5), store, None) for store in ("dense", "csr", "mask", "auto")),
        (SpecLeNet5(beta=1.5), "auto", None),
        (SpecLeNet5(beta=0.5), "auto", "block"),
        (LeNet5(), "auto", None),
    ],
    ids=["dense", "csr", "mask", "auto", "auto at beta 1.5", "auto with recompute", "spatial twin"],
)
def test_the_ledger_agrees_with_the_memory_that_is_alive_before_the_backward(model, store, recompute, batch):
    forward(model, batch, store, recompute)  # caches and imports
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tape, loss = forward(model, batch, store, recompute)
    del loss
    gc.collect()
    alive = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    bookkeeping = 48 << 10  # records, contexts and ledger rows are Python objects
    assert 0 <= alive - tape.ledger.nbytes <= 0.02 * tape.ledger.nbytes + bookkeeping


def test_saved_bytes_and_the_measured_peak_fall_with_beta(batch):
    peaks, saved = zip(*(peak_of_a_step(beta, batch) for beta in (0.1, 1.0, 3.0)), strict=True)
    assert saved[0] > 1.2 * saved[1] and saved[1] > 1.2 * saved[2]
    assert peaks[0] > 1.2 * peaks[1] and peaks[1] > peaks[2]  # what is left at the end is the work of one transform


def test_packing_lowers_the_measured_peak_not_only_the_ledger(batch):
    dense, _ = peak_of_a_step(1.0, batch, store="dense")
    auto, _ = peak_of_a_step(1.0, batch, store="auto")
    assert auto < 0.9 * dense


def test_a_step_leaves_no_memory_behind(batch):
    model = SpecLeNet5()
    optimizer = SGD(model.parameters(), lr=1e-3, momentum=0.9)
    step(model, optimizer, batch)
    gc.collect()
    tracemalloc.start()
    step(model, optimizer, batch)
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(3):
        step(model, optimizer, batch)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 16 << 10
