"""All that we want to know of a GPU, in one command of some minutes that goes on where it was stopped.

    python benchmarks/device.py                              everything, into runs/device
    python benchmarks/device.py --part tests steps           some of it
    python benchmarks/device.py --device cpu --part steps    a rehearsal without a GPU

    tests    the test suite's tests of the GPU: of the backend, ops with kernels, stores (--all-tests: every one)
    lenet    examples/lenet_mnist.py, both nets: accuracy and seconds
    steps    a training step of all eight nets, beside the spatial ones in PyTorch (cuDNN) in float32 and with TF32:
             milliseconds, bytes saved for backward, measured peak
    batch    the largest batch of VGG16 in the memory of the device, by strategy

Each figure is measured in a process of its own and written at once, to device.json and as tables to device.md; a second
call measures what is missing. The seconds of steps need the extra `oracle` (PyTorch) for PyTorch's rows.
"""

import argparse
import datetime
import json
import re
import subprocess
import sys
from pathlib import Path

import program

from specframe import backend
from specframe.training import write_atomically

HERE = Path(__file__).resolve().parent
NETS = ("LeNet5", "SpecLeNet5", "AlexNet", "SpecAlexNet", "VGG16", "SpecVGG16", "DenseNet", "SpecDenseNet")


def module(op):
    """The file of an op; its tests are in one of that name."""
    return op.__module__.rpartition(".")[2]


TESTS = {
    "backend": ["tests/test_backend.py"],
    "kernels": ["tests/optim/test_sgd.py", *sorted({f"tests/ops/test_{module(op)}.py" for op in backend.CUDA.bodies})],
    "stores": ["tests/saving/test_formats.py", "tests/saving/test_bits.py", "tests/memory/test_offload.py"],
}
STRATEGIES = ("dense", "auto", "checkpoint", "quant8", "spec", "spec+mask8")
SECONDS = {"tests": 240, "lenet": 240, "steps": 60, "batch": 150}  # of one process, at most


def main(arguments=None):
    parser = argparse.ArgumentParser(usage=argparse.SUPPRESS, description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--part", nargs="+", choices=PARTS, default=[*PARTS], help="of the work (all)")
    add("--out", type=Path, default=Path("runs/device"), help="folder of device.json and device.md (runs/device)")
    add("--again", action="store_true", help="measure these parts anew")
    add("--all-tests", action="store_true", help="every test that knows a GPU, in place of a sample")
    add("--width", type=float, default=1.0, help="scales the channels of all nets but LeNet (1)")
    add("--batch-size", type=int, default=128, help="images a step (128)")
    add("--epochs", type=int, default=2, help="of lenet (2)")
    add("--steps", type=int, default=10, help="timed at a time, five times (10)")
    add("--data-dir", help="folder with MNIST's files")
    add("--device", choices=["cuda", "cpu"], default="cuda", help="cpu: a rehearsal (cuda)")
    options = parser.parse_args(arguments)
    try:
        results = Results(options.out / "device.json", card(options.device), options)
    except (backend.DeviceError, ValueError) as error:
        parser.error(str(error))
    program.takes(8, "one GPU")
    for part in options.part:
        for name, measure in PARTS[part](options):
            results.measure(part, name, measure)
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

    def measure(self, part, name, measure):
        there = self.all["parts"].setdefault(part, {})
        if name in there and "error" not in there[name] and not self.again:
            return
        print(f"{part}: {name}", flush=True)
        there[name] = {**measure(), "date": datetime.date.today().isoformat()}
        self._write()

    def _write(self):
        write_atomically(self.path, lambda file: file.write(json.dumps(self.all, indent=1).encode()))
        write_atomically(self.path.with_name("device.md"), lambda file: file.write(report(self.all).encode()))


def run(part, command, read):
    """`read` of what a command printed, or a sentence on why there is nothing to read."""
    try:
        done = subprocess.run(
            [sys.executable, *map(str, command)], cwd=HERE.parent, capture_output=True, text=True,
            timeout=SECONDS[part],
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"not done after {SECONDS[part]} s"}
    try:
        return read(done.stdout)
    except (LookupError, TypeError, ValueError):  # something else was printed than what is read
        lines = (done.stderr or done.stdout).strip().splitlines() or ["nothing was printed"]
        return {"error": f"exit status {done.returncode}: {lines[-1][:200]}"}


# ---- the parts: (name, a function that measures) ----------------------------------------------------------------


def tests(options):
    def read(printed):
        counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|error)", printed)}
        if not counts.get("passed", 0) + counts.get("failed", 0):
            raise ValueError("no test ran")
        return counts | {"failures": re.findall(r"^(?:FAILED|ERROR) (\S+)", printed, re.MULTILINE)[:50]}

    command = ["-m", "pytest", "--no-header", "-o", "addopts=--import-mode=importlib", "-rfE", "-k", options.device]
    for name, files in ({"all": ["tests"]} if options.all_tests else TESTS).items():
        yield name, lambda files=files: run("tests", [*command, *files], read)


def lenet(options):
    out = options.out / "lenet_mnist"
    command = ["examples/lenet_mnist.py", "--device", options.device, "--epochs", options.epochs]
    command += ["--overwrite", "--out", out.resolve()]
    command += ["--data-dir", options.data_dir] if options.data_dir else []

    def read(printed):
        epochs = re.findall(r"^(\w+) epoch (\d+)/\d+ .*test ([\d.]+) %  ([\d.]+) s", printed, re.MULTILINE)
        last = {net: {"epochs": int(n), "accuracy": float(test), "seconds": float(s)} for net, n, test, s in epochs}
        return {net: last[net] for net in ("spectral", "spatial")}

    yield "both nets", lambda: run("lenet", command, read)


def steps(options):
    engines = [(net, "specframe") for net in NETS]
    engines += [(net, engine) for net in NETS if not net.startswith("Spec") for engine in ("torch fp32", "torch tf32")]
    for net, engine in engines:
        job = {
            "net": net, "engine": engine, "device": options.device, "batch": options.batch_size, "width": options.width,
            "warm": 5, "rounds": 5, "steps": options.steps,
        }  # fmt: skip
        command = [HERE / "device_child.py", json.dumps(job)]
        yield f"{net}, {engine}", lambda command=command: run("steps", command, lambda out: json.loads(last_line(out)))


def batch(options):
    def read(printed):
        row = re.search(r"^\S+ +(\d+)\+? +[\d.]+ +([\d.]+) +([\d.]+)$", printed, re.MULTILINE)
        return {"images": int(row[1]), "seconds": float(row[2]), "peak": round(float(row[3]) * 1e6)}

    for strategy in STRATEGIES:
        budget = int(0.9 * card(options.device)["memory"])
        command = [HERE / "max_batch.py", "--budget", budget, "--width", options.width]
        command += ["--model", "vgg16", "--max-batch", 1 << 17, "--device", options.device, "--strategies", strategy]
        yield strategy, lambda command=command: run("batch", command, read)


PARTS = {"tests": tests, "lenet": lenet, "steps": steps, "batch": batch}


def last_line(printed):
    return printed.strip().splitlines()[-1]


# ---- the report --------------------------------------------------------------------------------------------------


def report(results):
    """The tables, in Markdown."""
    card, options = results["card"], results["options"]
    lines = [f"# {card['name']}", "", ", ".join(f"{name} {value}" for name, value in card.items()), ""]
    lines += [f"Width {options['width']:g}, {options['batch']} images a step.", ""]
    for part, rows in results["parts"].items():
        columns = sorted({name for row in rows.values() for name in row}, key=ORDER.index)
        lines += [f"## {part}", "", f"| | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        lines += [
            f"| {name} | {' | '.join(cell(row.get(column)) for column in columns)} |" for name, row in rows.items()
        ]
        lines.append("")
    return "\n".join(lines)


ORDER = (
    "milliseconds", "seconds", "saved", "peak", "images", "passed", "failed", "skipped", "error", "failures",
    "spectral", "spatial", "date",
)  # fmt: skip


def cell(value):
    if value is None:
        return ""
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:g}" for name, number in value.items())
    if isinstance(value, list):
        return " ".join(value) or "none"
    text = f"{value:.4g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("|", "/").strip()


if __name__ == "__main__":
    sys.exit(main())
