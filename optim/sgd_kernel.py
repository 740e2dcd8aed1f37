"""SGD on a device: one kernel over all parameters, where a launch for each operation on each would take longer.

The formulas are those of sgd.py, entry by entry. The kernel gets the addresses of the arrays by value, TENSORS at a
time; a gradient lies somewhere else in every step, so a table on the device would have to be sent there each time.
"""

import itertools
from typing import Any

import numpy as np

from specframe.backend import Kernel

TENSORS = 64  # of one launch: 32 bytes each, and a kernel's arguments may have 4096
TABLE = np.dtype([(name, np.uint64, TENSORS) for name in "wgv"] + [("stop", np.int64, TENSORS)], align=True)

STEP = Kernel("sgd_step", f"""
struct Table {{ real *w[{TENSORS}], *g[{TENSORS}], *v[{TENSORS}]; long long stop[{TENSORS}]; }};

extern "C" __global__ void sgd_step(const Table table, long long n, real lr, real momentum, real decay,
                                    long long nesterov) {{
    EACH(i, n) {{
        int low = 0, high = {TENSORS - 1};                 // the tensor of entry i: stop[low - 1] <= i < stop[low]
        while (low < high) {{
            int middle = (low + high) / 2;
            if (i < table.stop[middle]) high = middle; else low = middle + 1;
        }}
        long long j = low ? i - table.stop[low - 1] : i;
        real *w = table.w[low] + j, g = table.g[low][j] + decay * *w;
        if (momentum != 0) {{
            real *v = table.v[low] + j;
            *v = momentum * *v + g;
            g = nesterov ? g + momentum * *v : *v;
        }}
        *w -= lr * g;
    }}
}}
""")  # fmt: skip


def takes(b: Any, weight: Any, gradient: Any) -> bool:
    """Whether the kernel reads both arrays as they lie."""
    arrays = (weight, gradient)
    return all(isinstance(x, b.array_type) and x.flags.c_contiguous and x.dtype.char in "fdFD" for x in arrays)


def step(
    b: Any, updates: list[tuple[Any, Any, dict[str, Any]]],
    lr: float, momentum: float, weight_decay: float, nesterov: bool,
) -> None:  # fmt: skip
    """SGD.update of each (weight, gradient, state); of a complex one as of twice as many reals."""
    by_real: dict[Any, list[tuple[int, int, int, int]]] = {}
    numbers = float(lr), float(momentum), float(weight_decay)
    for weight, gradient, state in updates:
        if momentum and "velocity" not in state:
            state["velocity"] = b.xp.zeros(weight.shape, weight.dtype)
        w, g, v = (b.pointer(x) for x in (weight, gradient, state.get("velocity", gradient)))
        real = np.dtype(weight.dtype.char.lower())
        by_real.setdefault(real, []).append((w, g, v, weight.nbytes // real.itemsize))
    for real, rows in by_real.items():
        for start in range(0, len(rows), TENSORS):
            *addresses, sizes = zip(*rows[start : start + TENSORS], strict=True)
            table, stops = np.zeros(1, TABLE), [*itertools.accumulate(sizes)]
            for name, column in zip("wgv", addresses, strict=True):
                table[name][0, : len(column)] = column
            table["stop"][0] = stops + stops[-1:] * (TENSORS - len(stops))
            b.launch(STEP, real, stops[-1], table, stops[-1], *numbers, int(nesterov))
