"""All that we want to know of a GPU, in one command of at most eight minutes that goes on where it was stopped.

    python benchmarks/device.py                              everything, into runs/device
    python benchmarks/device.py --part tests steps           some of it
    python benchmarks/device.py --device cpu --quick         a rehearsal without a GPU, of the smallest sizes

    tests    the test suite's tests of the GPU: of the backend, ops with kernels, stores (--all-tests: every one)
    lenet    examples/lenet_mnist.py, both nets: accuracy and seconds
    steps    a training step of all ten nets, beside PyTorch's own of the spatial nets and SpecLeNet5 (cuDNN) in float32
             and with TF32: milliseconds, bytes saved for backward, measured peak
    batch    the largest batch of VGG16 in the memory of the device, by strategy

Each figure is measured in a process of its own and written at once, to device.json and as tables to device.md. What a
part has no time for is cut, with a note: a second call measures what is missing. PyTorch's rows need the extra
`oracle`, accuracies of MNIST its files (--data-dir, or $SPECFRAME_DATA); without them the bundled digits are learnt.
"""

import argparse
import contextlib
import datetime
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import program
from device_report import report

from specframe import backend
from specframe.training import write_atomically

HERE = Path(__file__).resolve().parent
NETS = ("LeNet5", "SpecLeNet5", "AlexNet", "SpecAlexNet", "VGG16", "SpecVGG16", "DenseNet", "SpecDenseNet",
        "ResNet", "SpecResNet")  # fmt: skip
PEERS = ("LeNet5", "SpecLeNet5", "AlexNet", "VGG16", "DenseNet", "ResNet")  # PyTorch's


def module(op):
    """The file of an op; its tests are in one of that name."""
    return op.__module__.rpartition(".")[2]


TESTS = {
    "backend": ["tests/test_backend.py"],
    "kernels": ["tests/optim/test_sgd.py", *sorted({f"tests/ops/test_{module(op)}.py" for op in backend.CUDA.bodies})],
    "stores": ["tests/saving/test_formats.py", "tests/saving/test_bits.py", "tests/memory/test_offload.py"],
}
STRATEGIES = ("dense", "auto", "checkpoint", "quant8", "spec", "spec+mask8")
SECONDS = {"tests": 120, "lenet": 60, "steps": 170, "batch": 110}  # of a part, and what those before it have left
QUICK = {"width": 1 / 16, "batch_size": 2, "steps": 1, "epochs": 1}


def main(arguments=None):
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--part", nargs="+", choices=PARTS, default=[*PARTS], help="of the work (all)")
    add("--out", type=Path, default=Path("runs/device"), help="folder of device.json and device.md (runs/device)")
    add("--again", action="store_true", help="measure these parts anew")
    add("--all-tests", action="store_true", help="every test that knows a GPU, in place of a sample")
    add("--width", type=float, default=1.0, help="scales the channels of all nets but LeNet (1)")
    add("--batch-size", type=int, default=128, help="images a step (128)")
    add("--epochs", type=int, help="of lenet (5 of MNIST, 40 of the digits)")
    add("--steps", type=int, default=10, help="timed at a time, five times (10)")
    add("--data-dir", help="folder with MNIST's files")
    add("--device", choices=["cuda", "cpu"], default="cuda", help="cpu: a rehearsal (cuda)")
    add("--quick", action="store_true", help="the smallest sizes: whether everything runs, not how fast")
    options = parser.parse_args(arguments)
    vars(options).update(QUICK if options.quick else {})
    try:
        results = Results(options.out / "device.json", card(options.device), options)
    except (backend.DeviceError, ValueError) as error:
        parser.error(str(error))
    program.takes(sum(SECONDS[part] for part in options.part) / 60, "one GPU, at most")
    end = time.monotonic()
    for part in options.part:
        end += SECONDS[part]
        for name, measure in PARTS[part](options):
            results.measure(part, name, measure, end)
    print((options.out / "device.md").read_text(encoding="utf-8"))
    return 0


def card(device):
    """What is measured: the name of the device, its memory, versions."""
    b = backend.get(device)
    if device == "cpu":
        return {"name": "cpu (a rehearsal)", "memory": 1 << 30}
    properties = b.xp.cuda.runtime.getDeviceProperties(b.number)
    name = properties["name"]
    driver = b.xp.cuda.runtime.driverGetVersion()
    return {
        "name": name.decode() if isinstance(name, bytes) else name, "memory": int(properties["totalGlobalMem"]),
        "cupy": b.xp.__version__, "driver": f"CUDA {driver // 1000}.{driver % 1000 // 10}",
    }  # fmt: skip


class Results:
    """What has been measured, in a file that is whole after each figure."""

    def __init__(self, path, card, options):
        self.path, self.again = path, options.again
        self.all = {"card": card, "options": {"width": options.width, "batch": options.batch_size}, "parts": {}}
        if path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            for what in ("card", "options"):
                if before[what] != self.all[what]:
                    raise ValueError(f"{path} holds figures of {before[what]}, these would be of {self.all[what]}")
            self.all = before
        self._write()

    def measure(self, part, name, measure, end):
        """A figure that is not there yet, from `measure(seconds)`; the clock stands at `end` when they are over."""
        there = self.all["parts"].setdefault(part, {})
        if name in there and not {"error", "cut"} & there[name].keys() and not self.again:
            return
        seconds = end - time.monotonic()
        if seconds < 1:
            if name not in there:  # what an earlier call got stays
                there[name] = {"cut": "left out, call again"}
                self._write()
            return
        print(f"{part}: {name}", flush=True)
        there[name] = {**measure(seconds), "date": datetime.date.today().isoformat()}
        self._write()

    def _write(self):
        write_atomically(self.path, lambda file: file.write(json.dumps(self.all, indent=1).encode()))
        write_atomically(self.path.with_name("device.md"), lambda file: file.write(report(self.all).encode()))


def run(command, read, seconds):
    """`read` of what a command printed, as far as it got in time, or a sentence on why there is nothing to read."""
    done = subprocess.Popen(
        [sys.executable, *map(str, command)], cwd=HERE.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    cut = {}
    try:
        printed, complaints = done.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        cut = {"cut": f"stopped after {seconds:.0f} s"}
        printed, complaints = stopped(done)
    except BaseException:
        stopped(done)
        raise
    try:
        return read(printed) | cut
    except (LookupError, TypeError, ValueError):  # something else was printed than what is read
        lines = (complaints or printed).strip().splitlines() or ["nothing was printed"]
        return cut or {"error": f"exit status {done.returncode}: {lines[-1][:200]}"}


def stopped(process):
    """What a process printed that is interrupted, as by Ctrl-C, and killed where it does not mind."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.send_signal(signal.SIGINT)
        return process.communicate(timeout=10)
    process.kill()
    return process.communicate()


# ---- the parts: (name, a function of the seconds there are, that measures) ---------------------------------------


def tests(options):
    def read(printed):
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", printed)}
        if not counts.get("passed", 0) + counts.get("failed", 0):
            raise ValueError("no test ran")
        return counts | {"failures": re.findall(r"^(?:FAILED|ERROR) (\S+)", printed, re.MULTILINE)[:50]}

    command = ["-m", "pytest", "--no-header", "-o", "addopts=--import-mode=importlib", "-rfE", "-k", options.device]
    for name, files in ({"all": ["tests"]} if options.all_tests else TESTS).items():
        yield name, lambda seconds, files=files: run([*command, *files], read, seconds)


def lenet(options):
    command = ["examples/lenet_mnist.py", "--device", options.device, "--overwrite"]
    command += ["--out", (options.out / "lenet_mnist").resolve()]
    command += ["--data-dir", options.data_dir] if options.data_dir else []
    command += ["--epochs", options.epochs] if options.epochs else []
    command += ["--data", "digits", "--train-size", 128] if options.quick else []

    def read(printed):
        data = re.search(r"test images of (\w+),", printed)[1]
        epochs = re.findall(r"^(\w+) epoch (\d+)/\d+ .*test ([\d.]+) %  ([\d.]+) s", printed, re.MULTILINE)
        last = {net: {"epochs": int(n), "accuracy": float(test), "seconds": float(s)} for net, n, test, s in epochs}
        if not last:
            raise ValueError("no epoch was done")
        return {"data": data, **last}

    yield "both nets", lambda seconds: run(command, read, seconds)


def steps(options):
    rows = [(net, "specframe", options.device) for net in NETS] + [("SpecLeNet5", "specframe", "cpu")]
    rows += [(net, f"torch {kind}", options.device) for net in NETS if net in PEERS for kind in ("fp32", "tf32")]
    for net, engine, device in dict.fromkeys(rows):
        job = {
            "net": net, "engine": engine, "device": device, "batch": options.batch_size, "width": options.width,
            "warm": 1 if options.quick else 5, "rounds": 1 if options.quick else 5, "steps": options.steps,
        }  # fmt: skip
        command = [HERE / "device_child.py", json.dumps(job)]
        name = f"{net}, {engine}" + ", cpu" * (device != options.device)
        yield name, lambda seconds, command=command: run(command, lambda out: json.loads(last_line(out)), seconds)


def batch(options):
    def read(printed):
        row = re.search(r"^\S+ +(\d+)\+? +\S+ +([\d.]+) +([\d.]+)$", printed, re.MULTILINE)
        return {"images": int(row[1]), "seconds": float(row[2]), "peak": round(float(row[3]) * 1e6)}

    budget, most = (4 << 20, 4) if options.quick else (int(0.9 * card(options.device)["memory"]), 1 << 17)
    for strategy in STRATEGIES:
        command = [HERE / "max_batch.py", "--budget", budget, "--width", options.width, "--max-batch", most]
        command += ["--model", "vgg16", "--device", options.device, "--strategies", strategy]
        yield strategy, lambda seconds, command=command: run(command, read, seconds)


PARTS = {"tests": tests, "lenet": lenet, "steps": steps, "batch": batch}


def last_line(printed):
    return printed.strip().splitlines()[-1]


if __name__ == "__main__":
    sys.exit(program.guarded(main))
