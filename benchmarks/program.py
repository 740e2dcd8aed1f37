"""What a benchmark does besides measuring: it says how long it takes, shows a bar, and ends a mistake in a sentence."""

import importlib.util
import json
import os
import subprocess
import sys

from tqdm import tqdm


def name():
    """Of the program that runs, as its messages begin."""
    return os.path.basename(sys.argv[0])


def takes(minutes, where="two free cores"):
    """Say beforehand, on stderr, about how long this takes, and on what."""
    long = f"{minutes / 60:.1f} hours" if minutes >= 90 else f"{minutes:.0f} minutes" if minutes >= 2 else "a minute"
    print(f"{name()}: this takes about {long} on {where}", file=sys.stderr, flush=True)


def bar(total, unit):
    """A progress bar on stderr with the time that is left; none where stderr is no terminal."""
    return tqdm(total=total, unit=unit, leave=False, disable=None, dynamic_ncols=True)


EXTRAS = {"torch": ("PyTorch", "oracle"), "mpi4py": ("mpi4py", "mpi"), "matplotlib": ("matplotlib", "plot")}


def need(module):
    """Refuse to begin without one of EXTRAS: a ModuleNotFoundError that names it."""
    if importlib.util.find_spec(module) is None:
        name, extra = EXTRAS[module]
        raise ModuleNotFoundError(f"this needs {name}, which is not installed: pip install 'specframe[{extra}]'")


def job(starter):
    """What a program that another one starts is to do: its argument, as JSON."""
    try:
        return json.loads(sys.argv[1])
    except (IndexError, ValueError):
        print(f"{name()}: error: {starter} starts this, with a job as JSON; run {starter}", file=sys.stderr)
        sys.exit(2)


def guarded(main):
    """The exit status of main(): 2, after one sentence, where something is missing or wrong; 130 for Ctrl-C."""
    try:
        return main()
    except KeyboardInterrupt:
        return 130
    except subprocess.CalledProcessError as error:  # of a process of its own, which has said why
        print(error.stderr or "", end="", file=sys.stderr)
        return error.returncode if error.returncode > 0 else 1
    except (ValueError, RuntimeError, OSError, ModuleNotFoundError) as error:  # all that specframe documents are these
        print(f"{name()}: error: {error}", file=sys.stderr)
        return 2
