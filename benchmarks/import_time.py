"""How long does `import specframe` take? The median over fresh processes, beside `import numpy`, which it needs.

    python benchmarks/import_time.py

Seconds on the clock depend on what else the machine does; seconds of the processor hardly do. The first process, which
compiles the files and reads them from the disk, does not count. `python -X importtime -c "import specframe"` says where
the time goes.
"""

import argparse
import os
import statistics
import subprocess
import sys

import program

CODE = """
import time
clock, processor = time.perf_counter(), time.process_time()
import {}
print(time.perf_counter() - clock, time.process_time() - processor)
"""


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--processes", type=int, default=10, help="fresh processes for each module (10)")
    options = parser.parse_args(argv)
    program.takes(0.3)
    print("| import | seconds | of the processor |\n|---|---|---|")
    for module in ("numpy", "specframe", "specframe.models"):
        clock, processor = measure(module, max(1, options.processes))
        print(f"| {module} | {clock:.3f} | {processor:.3f} |")


def measure(module, processes):
    """Medians (seconds on the clock, seconds of the processor) of importing a module."""
    runs, command = [], [sys.executable, "-c", CODE.format(module)]
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(processes + 1):
        result = subprocess.run(command, env=compiled, capture_output=True, text=True, check=True)
        runs.append([float(number) for number in result.stdout.split()])
    return tuple(map(statistics.median, zip(*runs[1:], strict=True)))


if __name__ == "__main__":
    sys.exit(program.guarded(main))
