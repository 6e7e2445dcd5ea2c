"""`python -m benchmarks.federation [MEASURE ...]`: single measures, or smaller ones, while working on federation."""

from benchmarks import federation
from benchmarks.federation.measures import MEASURES
from benchmarks.part_command import main

if __name__ == "__main__":
    main(
        federation,
        MEASURES,
        ("rows", int, federation.ROWS, "rows of each large source"),
        ("rounds", int, 2, "turns of each measure"),
    )
