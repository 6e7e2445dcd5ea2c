"""`python -m benchmarks.identity --only codes --seed 7 --scale 0.02`: single parts, other seeds, sizes and mixes."""

import argparse
import signal
import sys
from collections.abc import Callable

from benchmarks.figure import print_figures
from benchmarks.identity import PARTS, figures, missing, name_noise, noise
from benchmarks.identity.setting import Setting


def main() -> int:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.identity", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: %(default)s)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full sizes (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="of each timed measure (default: %(default)s)")
    for option, kinds in (("--code-mix", noise.MIX), ("--name-mix", name_noise.MIX)):
        parser.add_argument(option, type=_mix(kinds), default=kinds, metavar="KIND=WEIGHT,...", help=", ".join(kinds))
    options = parser.parse_args()
    if told := missing():
        parser.error(f"needs {told}")
    setting = Setting(options.seed, options.scale, options.rounds, options.code_mix, options.name_mix)
    return print_figures(figures(setting, options.only))


def _mix(kinds: dict[str, float]) -> Callable[[str], dict[str, float]]:
    """A reader of `clean=0.5,format=0.5`: these weights instead of the whole mix."""

    def read(text: str) -> dict[str, float]:
        weights = {kind: float(weight) for kind, _, weight in (part.partition("=") for part in text.split(","))}
        if unknown := weights.keys() - kinds.keys():
            raise argparse.ArgumentTypeError(f"no kind {', '.join(sorted(unknown))}; there are {', '.join(kinds)}")
        return weights

    return read


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
