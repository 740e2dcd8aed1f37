"""What ends one rank ends all, soon, with one message and a whole checkpoint, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks import kill_ranks
from specframe.training import load_checkpoint
from specframe.training.parallel import launch, mpi
from tests.kit.ranks import ENVIRONMENT, finish, mpiexec, needs_mpi, run, start

SIGNALS = {"KILL": signal.SIGKILL, "INT": signal.SIGINT, "TERM": signal.SIGTERM}


@pytest.fixture
def training(tmp_path, monkeypatch):
    """start(workers, fault) -> (process, its ranks); afterwards nothing of it may be there."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    memory, folders = kill_ranks.segments(), set(Path(tempfile.gettempdir()).glob("specframe-ranks-*"))
    started = []

    def begin(workers, fault=""):
        started.append(kill_ranks.start(tmp_path, workers, fault))
        return started[0]

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()
            pytest.fail("the launcher was still there")
    assert kill_ranks.segments() <= memory
    assert set(Path(tempfile.gettempdir()).glob("specframe-ranks-*")) <= folders


@needs_mpi
@pytest.mark.parametrize(
    ("workers", "victim", "how", "status", "told"),
    [
        (2, 1, "KILL", 1, "kill_ranks.py: error: rank 1: killed by SIGKILL\n"),
        (3, 0, "KILL", 1, "kill_ranks.py: error: rank 0: killed by SIGKILL\n"),
        (2, 1, "INT", 130, "stopped in rank 1\n"),
        (2, None, "INT", 130, "stopped in rank"),
        (2, None, "TERM", 130, "stopped in rank"),
    ],
)
def test_a_signal_to_a_rank_or_to_the_launcher_ends_all(training, tmp_path, workers, victim, how, status, told):
    process = training(workers)
    ranks = kill_ranks.ranks(tmp_path, workers)
    os.kill(process.pid if victim is None else ranks[victim], SIGNALS[how])
    end = kill_ranks.ending(process, tmp_path, ranks)
    assert (end["hang"], end["lost"], end["status"]) == ([], False, status), end
    assert (end["err"] or end["out"]).startswith(told) and not (end["err"] and end["out"]), end
    assert "\n" not in (end["err"] + end["out"])[:-1]


@needs_mpi
def test_an_exception_in_a_rank_ends_all_with_its_traceback(training, tmp_path):
    process = training(3, "1 raise")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and out == ""
    assert err.startswith("kill_ranks.py: error: rank 1: Traceback") and err.endswith("KeyError: 'planted'\n")
    assert err.count("Traceback") == 1
    assert load_checkpoint(tmp_path / "checkpoint.npz")["progress"]["epoch"] >= 1


@needs_mpi
def test_a_rank_with_other_data_is_refused(training):
    out, err = training(2, "1 data").communicate(timeout=60)
    assert (out, err) == ("", "kill_ranks.py: error: rank 0: rank 1 has other data than rank 0\n")


OTHER = """
import sys
import numpy as np
from specframe.layers import Linear
from specframe.training.parallel import join, team
with join(1, "program") as here:
    what = sys.argv[1] if here.rank == 1 else ""
    if what == "code":
        team.code_fingerprint = lambda: 1
    here.start(Linear(3, 2 + (what == "network"), dtype=np.float32), options=[0.1, what == "options"])
"""


@needs_mpi
@pytest.mark.parametrize("what", ["code", "network", "options"])
def test_a_rank_that_runs_something_else_is_refused(what):
    status, _, err = finish(start(mpiexec(2, "-c", OTHER, what)))
    assert status == 2 and err == f"-c: error: rank 0: rank 1 has other {what} than rank 0\n"


@needs_mpi
def test_ranks_that_agree_start_with_the_weights_of_the_first():
    run(2, OTHER, "nothing")


def test_without_mpi_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(mpi, "installed", lambda: False)
    for name in launch.STARTED:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RuntimeError, match=r"need mpi4py and an MPI library: pip install 'specframe\[mpi\]'"):
        launch.join(2, "program.py", [])
    assert launch.join(0, "program.py", []).size == 1 and launch.join(1, "program.py", []).size == 1


@needs_mpi
@pytest.mark.parametrize(("there", "count"), [(["0", "1", "2"], 3), ([], 5)])
def test_zero_workers_are_one_a_gpu_or_one_a_core(monkeypatch, there, count):
    started = []
    monkeypatch.setattr(launch, "gpus", lambda: there)
    monkeypatch.setattr(launch, "launch", lambda workers, command: started.append(workers) or 7)
    monkeypatch.setattr(launch, "cores", lambda: 5)
    for name in launch.STARTED:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit) as end:
        launch.join(0, "program.py", [])
    assert started == [count] and end.value.code == 7


def test_mpi4py_is_not_imported_with_the_library():
    code = "import sys, specframe.training.parallel; sys.exit('mpi4py' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@needs_mpi
def test_of_ranks_that_fail_in_one_moment_one_speaks(monkeypatch, tmp_path):
    script = tmp_path / "both.py"
    script.write_text(
        "import sys\n"
        "from specframe.training.parallel import join, team\n"
        "team.TURN = -0.1  # the second rank does not wait\n"
        "with join(2, __file__) as here:\n"
        "    here.communicator.barrier()\n"
        "    raise ValueError('planted')\n"
    )
    for _ in range(5):
        status, out, err = finish(start([sys.executable, script]))
        assert (status, out) == (2, "") and err in [f"both.py: error: rank {rank}: planted\n" for rank in (0, 1)]


WAITING = """
import sys, time
from specframe.training.parallel import join, mpi
mpi.PATIENCE = 0.1
with join(1, "program") as here:
    if here.rank:
        time.sleep(50)
    here.communicator.barrier()
"""


@needs_mpi
@pytest.mark.parametrize("word", ["end", "1"])
def test_a_rank_that_waits_ends_when_another_has_left_word_also_where_mpiexec_has_missed_it(tmp_path, word):
    (tmp_path / word).write_text("1")
    process = start(mpiexec(2, "-c", WAITING), env={mpi.FOLDER: str(tmp_path)})
    status, _, _ = finish(process, timeout=20)
    assert status == 1
