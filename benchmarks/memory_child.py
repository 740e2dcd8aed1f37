"""One strategy on one net: the process that benchmarks/memory.py starts.

    python benchmarks/memory_child.py '{"what": "bytes" or "seconds", "net": ..., ...}'

"bytes" prints its figures and ends. "seconds" prints "ready" once it is warm, then answers each line it reads: "times"
by the seconds of a few steps, "shares" by the parts of a step that pack and unpack.
"""

import contextlib
import gc
import json
import os
import sys
import time

import numpy as np
import program
from memory_weights import kind_of
from strategies import build, parse

import specframe as sf
from specframe import ops
from specframe.optim import SGD
from specframe.saving import Borrowed, Handle, Remade, Store
from specframe.training import load_checkpoint, train_step
from specframe.training.allocator import resident_bytes

LR, MOMENTUM = 1e-7, 0.9  # the weights stay where they are


class Here:
    """A strategy in this engine."""

    def __init__(self, job):
        way = parse(job["strategy"])
        weights = load_checkpoint(os.path.join(job["folder"], f"{kind_of(job['strategy'])}.npz"))
        self.x, self.y = (np.load(os.path.join(job["folder"], "batch.npz"))[name] for name in "xy")
        arguments = {"channels": self.x.shape[3], "image_size": self.x.shape[0], "width": job["width"], **weights}
        settings = arguments.pop("settings")
        self.net = build(job["net"], way, **arguments, **settings)
        self.plain = build(job["net"], way._replace(checkpoint=False), **arguments, **settings)
        self.options = {"store": way.store, "recompute": way.recompute}
        self.optimizer = SGD(self.net.parameters(), LR, MOMENTUM)

    def step(self, count=None):
        """Train on the first `count` images."""
        train_step(self.net, self.optimizer, self.x[:, :, :count], self.y[:count], **self.options)

    def forget(self):
        """Let go of what the next step makes anew."""
        for parameter in self.net.parameters():
            parameter.grad = None

    def gradient(self, net, **options):
        """(tape, all gradients in one vector) of a step on the batch."""
        for parameter in net.parameters():
            parameter.grad = None
        with sf.Tape(seed=0, **options) as tape:
            loss = ops.softmax_cross_entropy(net(sf.Tensor(self.x)), self.y)
        tape.backward(loss)
        return tape, np.concatenate([p.grad.reshape(-1).astype(np.float64) for p in net.parameters()])

    def figures(self):
        tape, gradient = self.gradient(self.net, **self.options)
        exact = self.gradient(self.plain, store="dense")[1]
        return {"saved": tape.ledger.nbytes, "highest": tape.peak_bytes, "moved": tape.ledger.moved,
                "cosine": cosine(gradient, exact), "density": tape.ledger.spectra()}  # fmt: skip


def cosine(a, b):
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


# ---- peak ------------------------------------------------------------------------------------------------------------


def peak(run):
    """Growth of this process's resident memory within one step; the least of three, or None where nobody tells.

    A tiny step first: imports, buffers of threads and of the matrix library are no part of it.
    """
    run.step(2)
    growths = []
    for _ in range(3):
        run.forget()
        gc.collect()
        with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the highest mark becomes what is resident now
        before = resident_bytes()
        run.step()
        growths.append(highest_resident() - before)
    return max(0, min(growths)) if resident_bytes() else None


def highest_resident():
    """VmHWM, in bytes (0 where the system has no such file)."""
    with contextlib.suppress(OSError), open("/proc/self/status") as status:
        return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")), 0)
    return 0


# ---- time ------------------------------------------------------------------------------------------------------------


def times(run, steps):
    run.step()  # brings this process's code and data back into the caches
    seconds = []
    for _ in range(steps):
        start = time.perf_counter()
        run.step()
        seconds.append(time.perf_counter() - start)
    return seconds


PARTS = {"packing": (Store, {"pack", "flush"}), "unpacking": (Handle, {"dense", "sparse", "support"})}


def shares(run, steps):
    """Parts of a step that are spent in packing and in unpacking, 0 to 1."""
    spent, depth = dict.fromkeys(PARTS, 0.0), dict.fromkeys(PARTS, 0)

    def timed(function, kind):
        def call(*args, **kwargs):
            depth[kind] += 1
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                depth[kind] -= 1
                if not depth[kind]:  # one format may use another
                    spent[kind] += time.perf_counter() - start

        return call

    for kind, (base, names) in PARTS.items():
        for cls in heirs(base) - {Borrowed, Remade}:  # those compute nothing, or the map itself
            for name in names & vars(cls).keys():
                setattr(cls, name, timed(vars(cls)[name], kind))
    start = time.perf_counter()
    for _ in range(steps):
        run.step()
    whole = time.perf_counter() - start
    return {kind: seconds / whole for kind, seconds in spent.items()}


def heirs(cls):
    return set().union(*({heir} | heirs(heir) for heir in cls.__subclasses__()))


def main(job):
    try:
        if job["strategy"].startswith("torch"):
            from memory_torch import There

            run = There(job)
        else:
            run = Here(job)
    except (ValueError, ImportError) as error:
        print(json.dumps({"refused": str(error)}))
        return
    if job["what"] == "bytes":
        resident = peak(run)
        print(json.dumps({"peak": resident, **run.figures()}))
        return
    for _ in range(3):
        run.step()
    print("ready", flush=True)
    for line in sys.stdin:
        answer = times(run, job["steps"]) if line.strip() == "times" else shares(run, job["steps"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(program.job("memory.py"))
