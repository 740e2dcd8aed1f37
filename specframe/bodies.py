"""Which body of an op runs: the one to be read, or one written for speed.

specframe/ops holds the body of an op to be read; specframe/fast may hold another one for a device, a subclass with a
forward and a backward of its own, registered in `backend.bodies`. Forward and backward always come from the same body,
so a fast one may keep other things.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from typing import Any

from specframe.op import Op


class _Reference(threading.local):
    on = os.environ.get("SPECFRAME_REFERENCE", "0") not in ("", "0")


_reference = _Reference()


@contextlib.contextmanager
def reference() -> Iterator[None]:
    """Run every op inside by its body in specframe/ops, on any device: `with sf.reference(): ...`.

    The environment variable SPECFRAME_REFERENCE=1 does so everywhere.
    """
    before, _reference.on = _reference.on, True
    try:
        yield
    finally:
        _reference.on = before


def body(op: type[Op], b: Any) -> type[Op]:
    """The body of an op for a device: the one registered in `b.bodies`, else the op itself."""
    return op if _reference.on else b.bodies.get(op, op)
