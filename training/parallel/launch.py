"""Starting several processes of a program on this machine, and ending them together.

    python program.py --workers 4                       runs  mpiexec -n 4 python program.py --workers 4
    mpiexec -n 4 --hosts a,b python program.py          is started already: --workers says nothing there

Signals go through mpiexec to all ranks. What ranks have to tell who started them, they leave in a folder: that one has
said why all end, or was killed.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from specframe.training.parallel import mpi
from specframe.training.parallel.nccl import choose_gpu, gpus
from specframe.training.parallel.team import Team

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
TERMINAL = "SPECFRAME_TERMINAL"
STARTED = ("PMI_RANK", "PMIX_RANK", "OMPI_COMM_WORLD_RANK")  # what MPICH, Slurm and Open MPI tell a rank
LOCAL = ("MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID")  # its number among those of this machine
# Of ranks that die mpiexec cannot tell who was first, since it kills the others. Each has a shell beside it that can.
WITNESS = f"""
trap : INT TERM HUP
exec 3>&2 2>/dev/null  # it would say "Killed"
sh -c 'exec "$@" 2>&3 3>&-' "$0" "$@"
status=$?
[ $status -le 130 ] || echo $status > "${mpi.FOLDER}/$PMI_RANK"
exit $status
"""
RULER = b"=" * 80


def join(workers: int, script: str, arguments: list[str] | None = None) -> Team:
    """The team that this process belongs to; call it before anything is read or written.

    Parameters
    ----------
    workers : int
        How many processes. 1: this one alone. 0: one a GPU, or one a core where there is none, as far as MPI is
        installed. More than one: starts them as `python script arguments`, waits, and ends this process with their
        status. What mpiexec has started is a rank already, whatever `workers` says.
    script : str, the program's file
    arguments : list of str or None, for sys.argv[1:]

    Raises
    ------
    RuntimeError
        Several are asked for, and mpi4py or an MPI library is missing.
    """
    if any(name in os.environ for name in STARTED):
        choose_gpu(int(next((os.environ[name] for name in LOCAL if name in os.environ), 0)))
        communicator = mpi.MPI()
        if communicator.rank == 0 and (terminal := os.environ.get(TERMINAL)):
            with contextlib.suppress(OSError):
                sys.stderr = open(terminal, "w")
        return Team(communicator)
    count = workers or (len(gpus()) or cores() if mpi.installed() and _mpiexec() else 1)
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
            [mpiexec, "-n", str(workers), "/bin/sh", "-c", WITNESS, "rank", sys.executable, *command],
            env=environment | {mpi.FOLDER: folder},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C comes here only, and goes on once
            preexec_fn=end_with_parent,
        )
        with _forwarding(process), process:
            assert process.stdout is not None
            _pass_on(process.stdout)
        status = process.returncode
        words = {path.name: path.read_text() for path in Path(folder).iterdir()}
    if "end" in words:  # a rank has said why
        return int(words["end"])
    for name, word in words.items():
        number = int(word) - 128
        cause = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
        print(f"{Path(command[0]).name}: error: rank {name}: killed by {cause}", file=sys.stderr)
        return 1
    return status


def _mpiexec() -> str | None:
    return shutil.which("mpiexec", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


def end_with_parent() -> None:
    """In a child, before it starts its program: it gets SIGTERM when its parent ends, however that ends."""
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


def _pass_on(stream: IO[bytes]) -> None:
    """Print what the ranks print, but not what mpiexec adds to it."""
    held = b""  # an empty line, which may belong to what mpiexec frames
    for line in stream:
        if RULER in line:
            break
        if line.startswith(b"[mpiexec@"):
            continue
        if line != b"\n":
            with contextlib.suppress(OSError, ValueError):
                sys.stdout.write((held + line).decode(errors="replace"))
                sys.stdout.flush()
        held = line if line == b"\n" else b""
    for _ in stream:
        pass
