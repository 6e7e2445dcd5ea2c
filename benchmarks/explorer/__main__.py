"""`python -m benchmarks.explorer [MEASURE ...]`: single measures, or smaller ones, while working on the explorer."""

import argparse
import signal
import sys

from benchmarks.explorer import COMPANIES, figures, missing
from benchmarks.explorer.measures import MEASURES
from benchmarks.figure import print_figures


def main() -> int:
    """Run the measures that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explorer", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)} (default: all)")
    parser.add_argument("--companies", type=int, default=COMPANIES, help="companies (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="times of each interaction (default: %(default)s)")
    options = parser.parse_args()
    unknown = [measure for measure in options.measures if measure not in MEASURES]
    if unknown:
        parser.error(f"unknown measure {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    if needed := missing():
        parser.error(f"needs {needed}")
    return print_figures(figures(options.measures or tuple(MEASURES), options.companies, options.rounds))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
