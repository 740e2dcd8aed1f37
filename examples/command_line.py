"""How the examples read a command line: a mistake is one sentence and exit status 2, Ctrl-C is 130."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from specframe.saving import get_store


class Parser(argparse.ArgumentParser):
    """Options are absent until given, so that resuming can tell; the texts name the defaults."""

    def __init__(self, prog: str, description: str, epilog: str | None = None):
        super().__init__(prog=prog, description=description, epilog=epilog, argument_default=argparse.SUPPRESS)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (--help lists the options)\n")


def guarded(parser: argparse.ArgumentParser, run: Callable[[dict[str, Any]], int], options: dict[str, Any]) -> int:
    """The exit status of `run(options)`; a user's mistake becomes one sentence and 2."""
    sys.stderr = sys.stderr or open(os.devnull, "w")  # it was closed, by 2>&- or a service; progress bars need one
    try:
        return run(options)
    except KeyboardInterrupt:
        return 130
    except (ValueError, RuntimeError, OSError) as error:  # all errors that specframe documents are of these
        print(f"{parser.prog}: error: {error}", file=sys.stderr)
        return 2


def number(kind: Callable[[str], float], low: float, strict: bool = False) -> Callable[[str], float]:
    """An argparse type: a finite number from `low` on (above it, if strict)."""

    def parse(text: str) -> float:
        if not low <= float(text) < 1e18 or (strict and float(text) == low):
            raise argparse.ArgumentTypeError(f"expected a number {'above' if strict else 'from'} {low}, got {text:.20}")
        return kind(text)

    parse.__name__ = kind.__name__  # argparse says: invalid int value
    return parse


def store(name: str) -> str:
    """An argparse type: the name of a store, with settings that it has."""
    try:
        get_store(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return name
