"""`python -m benchmarks.services [MEASURE ...]`: single measures, or smaller ones, while working on the services."""

from benchmarks import services
from benchmarks.part_command import main
from benchmarks.services.measures import MEASURES

if __name__ == "__main__":
    main(
        services,
        MEASURES,
        ("rows", int, services.ROWS, "rows of the table"),
        ("rounds", int, 5, "turns of each measure"),
        ("seconds", float, 60, "length of the soak"),
    )
