"""`python -m benchmarks.api [MEASURE ...]`: single measures, or smaller ones, while working on the API."""

from benchmarks import api
from benchmarks.api.measures import MEASURES
from benchmarks.part_command import main

if __name__ == "__main__":
    main(
        api,
        MEASURES,
        ("companies", int, api.COMPANIES, "companies"),
        ("rounds", int, 3, "turns of each measure"),
        ("seconds", float, 60, "length of the soak"),
    )
