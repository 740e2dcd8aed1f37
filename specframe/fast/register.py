"""Register a body for an op on a device."""

from collections.abc import Callable

from specframe.backend import Backend
from specframe.op import Op


def register(op: type[Op], device: type[Backend]) -> Callable[[type[Op]], type[Op]]:
    """Class decorator: from now on `apply(op, ...)` runs this body on arrays of that device."""

    def add(body: type[Op]) -> type[Op]:
        device.bodies[op] = body
        return body

    return add
