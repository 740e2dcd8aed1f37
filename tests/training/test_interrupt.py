"""The first signal asks, the second Ctrl-C stops; what is ignored stays ignored."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from specframe.training import Interrupt, load_checkpoint

STOPPING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", STOPPING)
def test_the_first_signal_asks_and_the_handlers_come_back(number):
    before = [signal.getsignal(each) for each in STOPPING]
    with Interrupt() as interrupt:
        assert not interrupt.requested
        os.kill(os.getpid(), number)
        assert interrupt.requested
    assert [signal.getsignal(each) for each in STOPPING] == before


@pytest.mark.parametrize("first", STOPPING)
def test_ctrl_c_stops_at_once_when_something_has_asked_before(first):
    with pytest.raises(KeyboardInterrupt), Interrupt():
        os.kill(os.getpid(), first)
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_may_come_twice(number):
    """A terminal that is closed hangs up once by itself and once by its shell."""
    with Interrupt() as interrupt:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
    assert interrupt.requested


@pytest.mark.parametrize("number", STOPPING)
def test_what_the_process_ignores_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with Interrupt() as interrupt:
            os.kill(os.getpid(), number)
            assert not interrupt.requested
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_in_another_thread_it_does_nothing():
    before, inside = signal.getsignal(signal.SIGINT), []

    def work():
        with Interrupt() as interrupt:
            inside.append((interrupt.requested, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert inside == [(False, before)]


@pytest.mark.parametrize(
    ("signals", "done"),
    [
        ([signal.SIGINT], (1, 2)), ([signal.SIGHUP, signal.SIGHUP], (1, 2)), ([signal.SIGTERM], (1, 2)),
        ([signal.SIGINT, signal.SIGINT], (1, 0)),
    ],
)  # fmt: skip
def test_a_run_ends_quietly_with_130_and_a_whole_checkpoint(tmp_path, signals, done):
    command = [sys.executable, "-m", "tests.training.tiny_run", str(tmp_path / "c.npz"), "pause"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with child:
        assert child.stderr.readline() == "waiting\n"  # in the second batch of the second epoch
        for number in signals:
            child.send_signal(number)
            time.sleep(0.2)  # two signals of one kind at once may arrive as one
        _, errors = child.communicate(timeout=60)
    assert (child.returncode, errors) == (130, "")
    progress = load_checkpoint(tmp_path / "c.npz")["progress"]
    assert (progress["epoch"], progress["batch"]) == done
    assert os.listdir(tmp_path) == ["c.npz"]
