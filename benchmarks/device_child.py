"""One net on one device: the process that benchmarks/device.py starts. Prints its figures as a line of JSON.

    python benchmarks/device_child.py '{"net": "VGG16", "engine": "specframe", "device": "cuda", ...}'

engine: specframe, or PyTorch's own spatial nets and SpecLeNet5 in float32 ("torch fp32") or with TensorFloat-32
("torch tf32").
"""

import json
import statistics
import sys
import time

import numpy as np
import program
from step import grids_of

from specframe import backend, models
from specframe.optim import SGD
from specframe.training import step_cost, train_step

LR, MOMENTUM, DECAY = 1e-7, 0.9, 5e-4  # the weights stay where they are


def main(job):
    is_lenet = job["net"].endswith("LeNet5")
    size, channels = (28, 1) if is_lenet else (32, 3)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((size, size, job["batch"], channels), dtype=np.float32)
    y = rng.integers(0, 10, job["batch"])
    net = getattr(models, job["net"])(seed=1, **({} if is_lenet else {"width": job["width"]}))
    step, synchronize, figures = (ours if job["engine"] == "specframe" else torchs)(net, x, y, job)
    for _ in range(job["warm"]):
        step()
    seconds = []
    for _ in range(job["rounds"]):
        synchronize()
        start = time.perf_counter()
        for _ in range(job["steps"]):
            step()
        synchronize()
        seconds.append((time.perf_counter() - start) / job["steps"])
    print(json.dumps({"milliseconds": 1000 * statistics.median(seconds), **figures()}))


def ours(net, x, y, job):
    """(a step, what waits for the device, bytes saved and the measured peak) of this engine."""
    b = backend.get(job["device"])
    net.to(b)
    x, y = b.asarray(x), b.asarray(y)
    optimizer = SGD(net, LR, MOMENTUM, DECAY)

    def figures():
        ledger, peak = step_cost(net, x, y)
        return {"saved": ledger.nbytes, "peak": peak}

    return lambda: train_step(net, optimizer, x, y), b.synchronize, figures


def torchs(net, x, y, job):
    """The same of PyTorch's own net, with cuDNN on a GPU."""
    program.need("torch")
    import torch
    import torch_nets

    tf32, device = job["engine"].endswith("tf32"), torch.device(job["device"])
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True
    peer = peer_of(net, job["net"]).to(device)
    images, labels = (array.to(device) for array in torch_nets.batch_of(x, y))
    optimizer = torch.optim.SGD(peer.parameters(), LR, MOMENTUM, weight_decay=DECAY)
    step = torch_nets.step_of(peer, images, labels, optimizer)

    def figures():
        saved, peak = torch_nets.saved_bytes(peer, images, labels), None
        if device.type == "cuda":
            optimizer.zero_grad()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
            torch.nn.functional.cross_entropy(peer(images), labels).backward()
            peak = torch.cuda.max_memory_allocated() - before
        return {"saved": saved, "peak": peak}

    return step, torch.cuda.synchronize if device.type == "cuda" else lambda: None, figures


def peer_of(net, name):
    """PyTorch's own net of that name."""
    import torch_deep
    import torch_nets

    if name == "LeNet5":
        return torch_nets.TorchLeNet5()
    if name == "SpecLeNet5":
        return torch_nets.TorchSpecLeNet5(net.conv1.beta, net.conv1.scale, grids_of(net))
    more = {"DenseNet": lambda: [len(net.wide)], "ResNet": lambda: [len(net.stages) // 3]}.get(name, list)()
    return getattr(torch_deep, f"Torch{name}")(net.state_dict(), *more)


if __name__ == "__main__":
    sys.exit(program.guarded(lambda: main(program.job("device.py"))))
