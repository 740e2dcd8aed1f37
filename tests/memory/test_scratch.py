"""Scratch: arrays in a file whose space is used again, by threads together and by one process alone."""

import errno
import os
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

from specframe.memory.scratch import Scratch
from tests.saving.test_formats import assert_bit_equal


def size_of(scratch):
    return os.fstat(scratch.file.fileno()).st_size


class Replaced:
    """A file with some of its methods replaced."""

    def __init__(self, file):
        self._file = file

    def __getattr__(self, name):
        return getattr(self._file, name)


class Full(Replaced):
    """A file on a disk that is full after `room` bytes."""

    def __init__(self, file, room):
        super().__init__(file)
        self._room = room

    def write(self, data):
        if not self._room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = self._file.write(data[: self._room])
        self._room -= count
        return count


# ---- one thread ------------------------------------------------------------------------------------------------


def test_the_file_ends_after_the_last_living_array_and_its_space_is_used_again(rng):
    scratch, array = Scratch(), rng.standard_normal(100)
    for _ in range(3):
        extents = [scratch.write(array + i) for i in range(3)]
        assert size_of(scratch) == scratch.end == 3 * array.nbytes
        extents.pop()
        assert size_of(scratch) == 2 * array.nbytes
        extents.append(scratch.write(array - 1))
        assert size_of(scratch) == 3 * array.nbytes
        del extents[1]  # a hole, until what comes after it is free too
        assert size_of(scratch) == 3 * array.nbytes
        assert_bit_equal(extents[1].read(), array - 1)
        del extents[1]
        assert size_of(scratch) == array.nbytes
        assert_bit_equal(extents[0].read(), array)
        extents.clear()
        assert size_of(scratch) == 0


@pytest.mark.parametrize("room", [0, 100])
def test_a_disk_that_is_full_leaves_the_file_as_it_was(rng, room):
    scratch, array = Scratch(), rng.standard_normal(100)
    before = scratch.write(array)
    whole, scratch.file = scratch.file, Full(scratch.file, room)
    with pytest.raises(OSError, match=r"^\[Errno 28\] offload: cannot write 800 bytes to a file in .*: No space") as e:
        scratch.write(array)
    assert size_of(scratch) == scratch.end == array.nbytes  # while the error, and what it refers to, is still alive
    assert e.value.errno == errno.ENOSPC
    assert_bit_equal(before.read(), array)
    scratch.file = whole
    assert_bit_equal(scratch.write(array + 1).read(), array + 1)


def test_an_array_that_is_let_go_while_another_is_written_does_not_cut_it_off(rng):
    scratch, array, extents = Scratch(), rng.standard_normal(100), []

    class Frees(Replaced):  # as the garbage collector may, at any time
        def write(self, data):
            count = self._file.write(data[:8])
            extents.clear()
            return count

    extents.append(scratch.write(array))
    scratch.file = Frees(scratch.file)
    assert_bit_equal(scratch.write(array + 1).read(), array + 1)


def test_a_file_that_somebody_shortened_is_reported():
    scratch = Scratch()
    extent = scratch.write(np.ones(8))
    scratch.file.truncate(10)
    with pytest.raises(OSError, match=r"^offload: the temporary file in .* is shorter than what was written to it$"):
        extent.read()


def test_writes_and_reads_that_stop_half_way_go_on(rng):
    scratch, array = Scratch(), rng.standard_normal(100)

    class Slow(Replaced):
        def write(self, data):
            return self._file.write(data[:33])

        def readinto(self, data):
            return self._file.readinto(data[:33])

    scratch.file = Slow(scratch.file)
    assert_bit_equal(scratch.write(array).read(), array)


# ---- threads ---------------------------------------------------------------------------------------------------


def test_threads_share_a_file(rng):
    scratch, wrong = Scratch(), []
    array = rng.standard_normal(200)

    def work(seed):
        random, extents = np.random.default_rng(seed), {}
        for i in range(150):
            extents[i] = scratch.write(array + 1000 * seed + i)
            kept = int(random.choice(list(extents)))
            wrong.extend([kept] * (extents[kept].read().tobytes() != (array + 1000 * seed + kept).tobytes()))
            if len(extents) > 3:
                del extents[int(random.choice(list(extents)))]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # as many changes of threads as there can be
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong and scratch.end == size_of(scratch) == 0


# ---- processes -------------------------------------------------------------------------------------------------

IN_TWO = """
import os, sys
import numpy as np
from specframe.memory.scratch import Scratch

scratch = Scratch()
extents = [scratch.write(np.full(1000, i)) for i in range(5)]
size = os.fstat(scratch.file.fileno()).st_size
child = os.fork()
if child == 0:
    {child}
_, status = os.waitpid(child, 0)
for i, extent in enumerate(extents):
    assert (extent.read() == i).all(), i
assert os.fstat(scratch.file.fileno()).st_size == size
sys.exit(os.waitstatus_to_exitcode(status))
"""
REFUSED = r"RuntimeError: offload: this array was moved to a file by process \d+, and this is \d+, forked from it; run"


def in_two(child):
    code = IN_TWO.format(child=child.replace("\n", "\n    "))
    return subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.parametrize("child", ["sys.exit(0)", "os._exit(0)", "extents.clear(); sys.exit(0)",
    "extents.clear(); del scratch; sys.exit(0)"])  # fmt: skip
def test_a_child_that_ends_or_lets_go_leaves_the_file_of_its_parent_alone(child):
    done = in_two(child)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_reads_what_its_parent_wrote_is_refused():
    done = in_two("extents[3].read()")
    assert done.returncode == 1
    assert re.search(REFUSED, done.stderr)
