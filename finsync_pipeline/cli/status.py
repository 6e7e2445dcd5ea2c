"""What is current, outdated or missing, and why: each source by quarter, then the release."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

import pandas as pd

from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.cli.terminal import console, table
from finsync_pipeline.errors import ConfigurationError, SourceError
from finsync_pipeline.extraction.connect import inventory_of, query_each
from finsync_pipeline.identity import Decider
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.publishing.release import current_folder, read_release
from finsync_pipeline.publishing.staleness import (
    QuarterState,
    State,
    command_for,
    labels,
    source_states,
    stored_inventory,
)
from finsync_pipeline.settings import published_folder, reference_path, review_path, source_bounds, tables_folder
from finsync_pipeline.statements.dates import quarter_label
from finsync_pipeline.statements.mapping import SourceMapping

States = dict[str, list[QuarterState]]


def status() -> int:
    """Ask the sources what they have, and print the state of each quarter; returns 1 if something is not current."""
    sources = declared_sources()
    decider = Decider.read(reference_path(), review_path(), [mapping.name for mapping in sources])
    states = _states(sources, decider)
    made = table("What the tables hold", "source", "quarters", "state", "why")
    for source, of_source in states.items():
        for (state, why), some in groupby(of_source, key=lambda each: (each.state, each.why)):
            made.add_row(source, _span(list(some)), str(state), why)
        if not of_source:
            made.add_row(source, "none", "", "never brought in, and the source has no rows")
    console.print(made)
    others = [each for of_source in states.values() for each in of_source if each.state != State.CURRENT]
    if others:
        console.print(f"{len(others)} quarters of sources are not current. Run: {command_for(others)}", soft_wrap=True)
    return 1 if _print_release(states) or others else 0


def _states(sources: Sequence[SourceMapping], decider: Decider) -> States:
    """The states by what the sources have now; of one that does not answer, by what it had when it was last asked."""
    states = {}
    bounds = source_bounds()
    queried = query_each(sources, lambda mapping: inventory_of(mapping, all_quarters(), bounds=bounds))
    for mapping, answer in zip(sources, queried, strict=True):
        inventory: pd.DataFrame | None
        try:
            inventory = answer.result().periods
        except (SourceError, ConfigurationError) as error:
            console.print(f"{error} Compared with what it had when it was last asked.", soft_wrap=True)
            inventory = stored_inventory(tables_folder(), mapping.name)
        states[mapping.name] = source_states(tables_folder(), mapping, decider, all_quarters(), inventory) or []
    return states


def _span(states: Sequence[QuarterState]) -> str:
    first, last = quarter_label(states[0].quarter), quarter_label(states[-1].quarter)
    return first if len(states) == 1 else f"{first} to {last} ({len(states)} with rows)"


def _print_release(states: States) -> bool:
    """Print whether the current release has the quarters of the tables; returns whether it lacks some."""
    folder = current_folder(published_folder())
    if folder is None:
        console.print("There is no release yet. Run: finsync run")
        return True
    sources = read_release(folder).manifest["sources"]
    published = {
        (source, each["quarter"], each["data_version"]) for source, of in sources.items() for each in of["quarters"]
    }
    stored = {
        (source, str(each.quarter), each.data_version)
        for source, of_source in states.items()
        for each in of_source
        if each.state != State.MISSING
    }
    if other := sorted({quarter for _, quarter, version in published ^ stored if version}):
        quarters = labels(map(date.fromisoformat, other))
        console.print(f"Release {folder.name} has other data of {quarters} than the tables. Run: finsync release")
        return True
    console.print(f"Release {folder.name} has every quarter of the tables.")
    return False
