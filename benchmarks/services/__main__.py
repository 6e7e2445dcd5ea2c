"""`python -m benchmarks.services [MEASURE ...]`: single measures, or smaller ones, while working on the services."""

import argparse
import signal
import sys

from benchmarks.figure import print_figures
from benchmarks.services import ROWS, figures, missing
from benchmarks.services.measures import MEASURES


def main() -> int:
    """Run the measures that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.services", description=__doc__)
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help=f"of {', '.join(MEASURES)} (default: all)")
    parser.add_argument("--rows", type=int, default=ROWS, help="rows of the table (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each measure (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=60, help="length of the soak (default: %(default)s)")
    options = parser.parse_args()
    unknown = [measure for measure in options.measures if measure not in MEASURES]
    if unknown:
        parser.error(f"unknown measure {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    if needed := missing():
        parser.error(f"needs {needed}")
    measures = options.measures or tuple(MEASURES)
    return print_figures(figures(measures, options.rows, options.rounds, options.seconds))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
