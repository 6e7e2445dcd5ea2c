"""The configuration is loaded and checked before anything runs."""

from collections.abc import Sequence

from finsync_pipeline.cli.review import last_decisions, unused_lines
from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.cli.terminal import console
from finsync_pipeline.clients.auth import read_token
from finsync_pipeline.clients.errors import without_credentials
from finsync_pipeline.identity import Decider, Reference
from finsync_pipeline.identity.collisions import collisions
from finsync_pipeline.identity.reference import unread_countries
from finsync_pipeline.orchestration.partitions import all_quarters
from finsync_pipeline.quality.rules import read_rules
from finsync_pipeline.settings import agreement_path, is_deployed, reference_path, review_path
from finsync_pipeline.statements.dates import quarter_label
from finsync_pipeline.statements.mapping import SourceMapping

SHOWN = 20
"""The most warnings of one kind that are printed."""


def check() -> int:
    """Check sources, companies and settings, and print what there is. Raises ConfigurationError."""
    sources = declared_sources()
    is_deployed()
    read_rules(agreement_path(), [mapping.name for mapping in sources])
    decider = Decider.read(reference_path(), review_path(), [mapping.name for mapping in sources])
    for mapping in sources:
        read_token(mapping.name, mapping.token_file)
    _print_configuration(sources, decider)
    _print_warnings(_collisions(decider.reference))
    _print_warnings(_unread_countries(decider.reference))
    if decider.review.lines:
        _print_warnings(unused_lines(decider.review, last_decisions([mapping.name for mapping in sources])))
    return 0


def _print_configuration(sources: Sequence[SourceMapping], decider: Decider) -> None:
    for mapping in sources:
        url = without_credentials(mapping.url)
        _print("source", f"{mapping.name}: {len(mapping.items)} items from table {mapping.table} at {url}")
    reference, review_file = decider.reference, review_path()
    aliases = f"{len(reference.aliases):,} aliases"
    _print("companies", f"{len(reference.companies):,} with {aliases} from {reference_path()}")
    _print("review", f"{len(decider.review.lines):,} decisions from {review_file}" if review_file else "none")
    _print("quarters", f"{quarter_label(all_quarters()[0])} to {quarter_label(all_quarters()[-1])}")


def _print_warnings(warnings: Sequence[str]) -> None:
    for warning in warnings[:SHOWN]:
        _print("warning", warning)
    if len(warnings) > SHOWN:
        _print("warning", f"and {len(warnings) - SHOWN:,} more like these")


def _print(kind: str, text: str) -> None:
    console.print(f"{kind:<10} {text}", soft_wrap=True)


def _collisions(reference: Reference) -> list[str]:
    of_one_kind = "correct the list, or give each of them dates in aliases.csv"
    of_several = (
        "declare in the YAML of a source what its column contains, company: {column: ..., kind: ...}, or add a dated "
        "alias"
    )
    return [
        f"{value!r} means several companies, {claims}: {of_one_kind if is_of_one_kind else of_several}"
        for value, claims, is_of_one_kind in collisions(reference).itertuples(index=False, name=None)
    ]


def _unread_countries(reference: Reference) -> list[str]:
    return [
        f"{country!r}, the country of {company}, is not a known country, and is not compared: write its code of two "
        "letters"
        for company, country in unread_countries(reference.companies).itertuples(index=False, name=None)
    ]
