"""Two hosts, which are network namespaces of the test itself, 1 ms apart where tc may: the same sums, over TCP."""

import shutil
import subprocess
import sys

import pytest

from tests.kit.ranks import MPIEXEC, finish, needs_mpi, start

PROGRAM = """
import sys, time
import numpy as np
from specframe.training.parallel import mpi
c = mpi.MPI()
array = np.full(300_000, c.rank + 1.0)
c.start_sum(array).wait()
begun = time.perf_counter()
assert (array == 3).all() and (c.gather(np.array([1.0 * c.rank])) == [[0], [1]]).all()
c.barrier()
assert time.perf_counter() - begun > float(sys.argv[1])  # it went over the slow link
print(f"met {c.rank}\\n", end="", flush=True)  # one write: lines of ranks do not mix
"""


def ip(*arguments, check=True):
    return subprocess.run(["ip", *arguments], check=check, capture_output=True, text=True)


@pytest.fixture
def hosts():
    """Two namespaces, 10.77.0.1 and .2, and the seconds that their link takes: 1 ms where the kernel can delay."""
    if not shutil.which("ip"):
        pytest.skip("needs ip (iproute2)")
    names = "specframe-a", "specframe-b"
    try:
        for name in names:
            made = ip("netns", "add", name, check=False)
            if made.returncode:
                pytest.skip(f"network namespaces may not be made here: {made.stderr.strip()}")
        ip("link", "add", "specframe-0", "netns", names[0], "type", "veth", "peer", "specframe-1", "netns", names[1])
        for number, name in enumerate(names):
            inside = "-n", name
            ip(*inside, "addr", "add", f"10.77.0.{number + 1}/24", "dev", f"specframe-{number}")
            ip(*inside, "link", "set", f"specframe-{number}", "up")
            ip(*inside, "link", "set", "lo", "up")
        slow = ["ip", "netns", "exec", names[0], "tc", "qdisc", "add", "dev", "specframe-0", "root", "netem", "delay"]
        slowed = shutil.which("tc") and subprocess.run([*slow, "1ms"], capture_output=True).returncode == 0
        yield names, 1e-3 if slowed else 0.0
    finally:
        for name in names:
            ip("netns", "del", name, check=False)


@needs_mpi
def test_two_hosts_sum_over_a_slow_link(hosts, tmp_path):
    names, seconds = hosts
    shell = tmp_path / "ssh"  # takes mpiexec to the other host: ssh [options] ADDRESS command
    shell.write_text(f"""#!/bin/sh
while [ "${{1#-}}" != "$1" ]; do shift; done
shift
exec ip netns exec {names[1]} sh -c "$*"
""")
    shell.chmod(0o755)
    command = [
        "ip", "netns", "exec", names[0], MPIEXEC, "-launcher", "ssh", "-launcher-exec", shell, "-localhost",
        "10.77.0.1", "-hosts", "10.77.0.1,10.77.0.2", "-n", "2", "-ppn", "1", sys.executable, "-c", PROGRAM, seconds,
    ]  # fmt: skip
    status, out, err = finish(start(command))
    assert status == 0 and sorted(out.split("\n")[:-1]) == ["met 0", "met 1"], f"{out}\n{err}"
