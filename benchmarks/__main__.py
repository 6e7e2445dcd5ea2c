"""`python -m benchmarks [PART]`: a line per figure, `ok|short  name  value  target`; exit code 1 if one is short."""

import sys
from pathlib import Path

from benchmarks import truth

PARTS = {"truth": truth.figures}
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def main(arguments: list[str]) -> int:
    """Run the parts that are named, or all."""
    unknown = [part for part in arguments if part not in PARTS]
    if unknown:
        print(f"benchmarks: no part {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    if not SHARED.is_dir():
        print("benchmarks: these need the real statements beside the project (../shared/data)", file=sys.stderr)
        return 2
    figures = [figure for part in arguments or PARTS for figure in PARTS[part](SHARED)]
    for figure in figures:
        print(figure)
    return 0 if all(figure.is_reached for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
