"""The command of one part, `python -m benchmarks.<part> [MEASURE ...]`: single measures, or smaller ones."""

import argparse
import signal
import sys
from collections.abc import Callable, Collection, Iterable
from types import ModuleType
from typing import Any

from benchmarks.figure import Figure, print_figures

Option = tuple[str, Callable[[str], Any], Any, str]
"""Name, type, default and meaning."""


def main(part: ModuleType, measures: Collection[str], *options: Option) -> None:
    """Run the measures that the command line names, or all, with the options in their order; exits with their code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are stopped and folders removed on the way out
    sys.exit(print_figures(_figures(part, measures, options)))


def _figures(part: ModuleType, measures: Collection[str], options: Collection[Option]) -> Iterable[Figure]:
    parser = argparse.ArgumentParser(prog=f"python -m {part.__name__}", description=part.__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(measures)} (default: all)")
    for name, kind, default, meaning in options:
        parser.add_argument(f"--{name}", type=kind, default=default, help=f"{meaning} (default: %(default)s)")
    chosen = vars(parser.parse_args())
    unknown = [measure for measure in chosen["measures"] if measure not in measures]
    if unknown:
        parser.error(f"unknown measure {', '.join(unknown)}; there are {', '.join(measures)}")
    if needed := part.missing():
        parser.error(f"needs {needed}")
    figures: Iterable[Figure] = part.figures(
        chosen["measures"] or tuple(measures), *(chosen[name] for name, *_ in options)
    )
    return figures
