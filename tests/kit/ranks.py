"""Programs that run as several ranks under mpiexec, each bounded in time."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from specframe.training.parallel import mpi

ROOT = Path(__file__).parents[2]
MPIEXEC = shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
MISSING = None if MPIEXEC and mpi.installed() else "ranks need mpi4py and mpiexec: pip install 'specframe[mpi]'"
needs_mpi = pytest.mark.skipif(MISSING is not None, reason=str(MISSING))
TIMEOUT = 60
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


def start(command, **options):
    """A process, with a session of its own, whose output is read as text."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = os.environ | ENVIRONMENT | options.pop("env", {})
    return subprocess.Popen(
        [str(part) for part in command], env=environment, start_new_session=True, **(pipes | options)
    )


def finish(process, timeout=TIMEOUT):
    """(exit status, stdout, stderr); one that takes too long is killed, with all its ranks, and fails the test."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # mpiexec's ranks end with it
        out, err = process.communicate()
        pytest.fail(f"no end after {timeout} s\n{out}\n{err}")
    return process.returncode, out, err


def mpiexec(ranks, *command):
    """The command line of `python *command` as so many ranks."""
    return [MPIEXEC, "-n", ranks, sys.executable, *command]


def run(ranks, code, *arguments):
    """stdout of a Python text that runs as so many ranks, which must end well."""
    status, out, err = finish(start(mpiexec(ranks, "-c", code, *arguments)))
    assert status == 0, f"{out}\n{err}"
    return out
