"""Bodies of ops that were written for speed, one a file as in specframe/ops, in a folder for each device.

A body is a subclass of the op with a forward and a backward of its own; it may save other things. It is registered for
the op and the device, and then runs wherever the op is asked for on that device, but under `sf.reference()`:

    @register(conv2d.Conv2d, CPU)
    class FastConv2d(conv2d.Conv2d): ...

Every body is tested equal to the op's own: values and gradients, op by op and through whole nets.
"""

from specframe.fast import cpu, cuda
from specframe.fast.register import register

__all__ = ["cpu", "cuda", "register"]
