"""`python -m benchmarks.explorer [MEASURE ...]`: single measures, or smaller ones, while working on the explorer."""

from benchmarks import explorer
from benchmarks.explorer.measures import MEASURES
from benchmarks.part_command import main

if __name__ == "__main__":
    main(
        explorer,
        MEASURES,
        ("companies", int, explorer.COMPANIES, "companies"),
        ("rounds", int, 5, "times of each interaction"),
    )
