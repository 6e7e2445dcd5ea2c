"""What is declared, loaded and checked before anything runs; each mistake takes a line, without a traceback."""

import sys
from collections.abc import Sequence

from finsync_pipeline.cli.review_lines import last_decisions, unused_lines
from finsync_pipeline.cli.sources import DeclarationMistake, declared_sources
from finsync_pipeline.clients.auth import read_token
from finsync_pipeline.clients.errors import without_credentials
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.identity import Decider, Reference
from finsync_pipeline.identity.collisions import collisions
from finsync_pipeline.identity.reference import unread_countries
from finsync_pipeline.orchestration.partitions import all_quarters, spoken
from finsync_pipeline.settings import SettingMistake, is_deployed, reference_path, review_path
from finsync_pipeline.statements.mapping import SourceMapping

SHOWN = 20
"""The most warnings of one kind that are printed."""


def check() -> int:
    """Check sources, companies and settings, and say what there is; the exit code."""
    try:
        sources = declared_sources()
        is_deployed()
        decider = Decider.read(reference_path(), review_path(), [mapping.name for mapping in sources])
        for mapping in sources:
            read_token(mapping.name, mapping.token_file)
    except (DeclarationMistake, ConfigurationError, SettingMistake) as mistake:
        print(f"finsync: {mistake}", file=sys.stderr)
        return 2
    _print_declared(sources, decider)
    _print_warnings(_collisions(decider.reference))
    _print_warnings(_unread_countries(decider.reference))
    if decider.review.lines:
        _print_warnings(unused_lines(decider.review, last_decisions([mapping.name for mapping in sources])))
    return 0


def _print_declared(sources: Sequence[SourceMapping], decider: Decider) -> None:
    for mapping in sources:
        url = without_credentials(mapping.url)
        print(f"source     {mapping.name}: {len(mapping.items)} items from table {mapping.table} at {url}")
    reference, review_file = decider.reference, review_path()
    print(f"companies  {len(reference.companies):,} with {len(reference.aliases):,} aliases from {reference_path()}")
    decided = f"{len(decider.review.lines):,} decisions from {review_file}" if review_file else "none"
    print(f"review     {decided}")
    print(f"quarters   {spoken(all_quarters()[0])} to {spoken(all_quarters()[-1])}")


def _print_warnings(warnings: Sequence[str]) -> None:
    for warning in warnings[:SHOWN]:
        print(f"warning    {warning}")
    if len(warnings) > SHOWN:
        print(f"warning    and {len(warnings) - SHOWN:,} more like these")


def _collisions(reference: Reference) -> list[str]:
    of_one_kind = "correct the list, or give each of them dates in aliases.csv"
    of_several = (
        "say in the YAML of a source what its column holds, company: {column: ..., kind: ...}, or add a dated alias"
    )
    return [
        f"{value!r} means several companies, {claims}: {of_one_kind if is_shared else of_several}"
        for value, claims, is_shared in collisions(reference).itertuples(index=False, name=None)
    ]


def _unread_countries(reference: Reference) -> list[str]:
    return [
        f"{country!r}, the country of {company}, is none, and is compared with nothing: write its code of two letters"
        for company, country in unread_countries(reference.companies).itertuples(index=False, name=None)
    ]
