"""first_bad_layer names the first place of this net and this thread, or none."""

import threading

import numpy as np

from specframe import Tensor
from specframe.layers import Linear, Module, Sequential, module
from specframe.training import first_bad_layer


def net(bad=False):
    model = Sequential(Linear(2, 2, rng=0), Linear(2, 2, rng=1))
    if bad:
        model.parameters()[-1].data[:] = np.float32(3e38)
        model.parameters()[-2].data[:] = np.float32(3e38)
    return model


def in_other_threads(work, threads=2):
    """Start threads that repeat `work` until the function that this returns is called."""
    stop = threading.Event()

    def repeat():
        with np.errstate(all="ignore"):
            while not stop.is_set():
                work()

    running = [threading.Thread(target=repeat) for _ in range(threads)]
    for thread in running:
        thread.start()

    def finish():
        stop.set()
        for thread in running:
            thread.join()

    return finish


def test_a_healthy_net_is_not_blamed_for_what_other_threads_compute():
    healthy, x = net(), np.ones((1, 2), np.float32)
    bad = np.full((1, 2), np.nan, np.float32)
    for work in (lambda: net(bad=True)(Tensor(x)), lambda: healthy(Tensor(bad))):
        finish = in_other_threads(work)
        try:
            assert [first_bad_layer(healthy, x) for _ in range(200)] == [None] * 200
        finally:
            finish()


class Meet(Module):
    """A layer that says that it is reached, and then waits for something else, not for long."""

    def __init__(self, reached, awaited):
        self.reached, self.awaited = reached, awaited

    def forward(self, x):
        self.reached.set()
        self.awaited.wait(0.3)
        return x


def test_threads_that_look_at_once_each_find_their_own():
    one_inside, both_inside, one_done, found = *(threading.Event() for _ in range(3)), []
    first = Sequential(Meet(one_inside, both_inside), net())
    second = Sequential(Meet(both_inside, one_done), net(bad=True))

    def look():
        one_inside.wait()
        with np.errstate(all="ignore"):
            found.append(first_bad_layer(second, np.ones((1, 2), np.float32)))

    thread = threading.Thread(target=look)
    thread.start()
    found.append(first_bad_layer(first, np.ones((1, 2), np.float32)))
    one_done.set()
    thread.join()
    assert found == [None, "the output of 1.1 (Linear)"]
    assert module._calling.observer is None  # nobody looks on
