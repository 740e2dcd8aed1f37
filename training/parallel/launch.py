"""Starting several processes of a program on this machine, and ending them together.

    python program.py --workers 4                       runs  mpiexec -n 4 python program.py --workers 4
    mpiexec -n 4 --hosts a,b python program.py          is started already: --workers says nothing there

Signals go through mpiexec to all ranks. Of one that dies without a word, by SIGKILL or for want of memory, mpiexec
knows the process only; each rank leaves its own in a folder, so that the message can name the rank.
"""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from specframe.training.parallel import mpi
from specframe.training.parallel.team import Team

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TERMINAL = "SPECFRAME_TERMINAL"
STARTED = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")  # what MPICH, Slurm and Open MPI tell a rank
RULER = b"=" * 80


def join(workers: int, script: str, arguments: list[str] | None = None) -> Team:
    """The team that this process belongs to; call it before anything is read or written.

    Parameters
    ----------
    workers : int
        How many processes. 1: this one alone. 0: one a core, as far as MPI is installed. More than one: starts them as
        `python script arguments`, waits, and ends this process with their status. What mpiexec has started is a rank
        already, whatever `workers` says.
    script : str, the program's file
    arguments : list of str or None, for sys.argv[1:]

    Raises
    ------
    RuntimeError
        Several are asked for, and mpi4py or an MPI library is missing.
    """
    if any(name in os.environ for name in STARTED):
        communicator = mpi.MPI()
        if communicator.rank == 0 and (terminal := os.environ.get(TERMINAL)):
            with contextlib.suppress(OSError):
                sys.stderr = open(terminal, "w")
        return Team(communicator)
    count = workers or (cores() if mpi.installed() and _mpiexec() else 1)
    if count == 1:
        return Team()
    sys.exit(launch(count, [script, *(sys.argv[1:] if arguments is None else arguments)]))


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def launch(workers: int, command: list[str]) -> int:
    """Run `python command` as so many ranks on this machine; returns their exit status.

    Each has its share of the cores for BLAS and the FFT, unless the environment says otherwise. SIGINT, SIGTERM and
    SIGHUP go to all of them.

    Raises
    ------
    RuntimeError
        mpi4py or mpiexec is missing.
    """
    mpiexec = _mpiexec()
    if not mpi.installed() or mpiexec is None:
        raise RuntimeError(mpi.MISSING)
    share = str(max(1, cores() // workers))
    environment = {name: share for name in THREADS} | os.environ
    if sys.stderr is not None and sys.stderr.isatty():
        environment[TERMINAL] = os.ttyname(sys.stderr.fileno())  # where rank 0 shows its bar
    with tempfile.TemporaryDirectory(prefix="specframe-ranks-") as folder:
        process = subprocess.Popen(
            [mpiexec, "-n", str(workers), sys.executable, *command],
            env=environment | {mpi.FOLDER: folder},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C comes here only, and goes on once
            preexec_fn=_end_with_parent,
        )
        with _forwarding(process):
            assert process.stdout is not None
            killed = _pass_on(process.stdout)
            status = process.wait()
        words = {path.name: path.read_text() for path in Path(folder).iterdir()}
    if "end" in words:  # a rank has said why, and mpiexec has killed the others
        return int(words["end"])
    if killed is not None:
        number, how = killed
        rank = next((name for name, process in words.items() if process == number), "?")
        print(f"{Path(command[0]).name}: error: rank {rank}: {how}", file=sys.stderr)
        return 1
    return status


def _mpiexec() -> str | None:
    return shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


def _end_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):  # Linux has it
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


@contextlib.contextmanager
def _forwarding(process: "subprocess.Popen[bytes]") -> Any:
    def forward(number: int, frame: Any) -> None:
        process.send_signal(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    before = {number: signal.signal(number, forward) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _pass_on(stream: IO[bytes]) -> tuple[str, str] | None:
    """Print what the ranks print, but not what mpiexec adds to it; returns (process, cause) of one that was killed."""
    process, cause = "?", None
    framed = False
    for line in stream:
        text = line.decode(errors="replace")
        if RULER in line:
            framed = True
        if framed and (found := re.search(r"PID (\d+) RUNNING", text)):
            process = found[1]
        elif framed and (found := re.search(r"EXIT STRING: (.*)", text)):
            cause = f"it was ended from outside: {found[1].strip()}"
        if not framed and not text.startswith("[mpiexec@"):
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.write(text)
                sys.stdout.flush()
    return None if cause is None else (process, cause)
