"""`python -m benchmarks [PART]`: a line per figure, `ok|short  name  value  target`; exit code 1 if one is short."""

import signal
import sys

from benchmarks import api, explorer, federation, identity, services, trust, truth
from benchmarks.figure import print_figures

PARTS = {
    "truth": truth,
    "trust": trust,
    "identity": identity,
    "services": services,
    "federation": federation,
    "api": api,
    "explorer": explorer,
}


def main(arguments: list[str]) -> int:
    """Run the parts that are named, or all."""
    unknown = [part for part in arguments if part not in PARTS]
    if unknown:
        print(f"benchmarks: no part {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    parts = {name: PARTS[name] for name in arguments or PARTS}
    missing = {name: told for name, part in parts.items() if (told := part.missing())}
    for name, told in missing.items():
        print(f"benchmarks: {name} needs {told}", file=sys.stderr)
    if missing:
        return 2
    return print_figures(figure for part in parts.values() for figure in part.figures())


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are stopped and folders removed on the way out
    sys.exit(main(sys.argv[1:]))
