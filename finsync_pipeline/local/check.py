"""What is declared, loaded and checked before anything runs; a mistake is told in a line, without a traceback."""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import yaml
from pydantic import ValidationError

from finsync_pipeline.clients.bearer import read_token
from finsync_pipeline.clients.faults import TokenMistake, without_credentials
from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.defs.partitions import all_quarters, spoken
from finsync_pipeline.identity import Decider, Reference, ReferenceMistake
from finsync_pipeline.identity.collisions import collisions
from finsync_pipeline.identity.reference import unread_countries
from finsync_pipeline.local.review_lines import last_decisions, unused_lines
from finsync_pipeline.settings import SettingMistake, is_deployed, reference_path, review_path
from finsync_pipeline.statements.mapping import SourceMapping

SHOWN = 20
"""So many warnings of one kind are printed."""


class DeclarationMistake(ValueError):
    """Something declared cannot be used; the message has a line for each mistake: file, line, field, cure."""


def declared_sources() -> list[SourceMapping]:
    """The mappings of all sources, by name. Raises DeclarationMistake."""
    try:
        return StatementSource.all_in(dg.ComponentTree.for_project(Path(__file__)))
    except Exception as error:
        raise DeclarationMistake("\n".join(_mistakes(error))) from error


def check() -> int:
    """Check sources, companies and settings, and say what there is; the exit code."""
    try:
        sources = declared_sources()
        is_deployed()
        decider = Decider.read(reference_path(), review_path(), [mapping.name for mapping in sources])
        for mapping in sources:
            read_token(mapping.name, mapping.token_file)
    except (DeclarationMistake, ReferenceMistake, SettingMistake, TokenMistake) as mistake:
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


def _mistakes(error: BaseException) -> list[str]:
    """A line for each mistake, from the deepest cause that tells one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ValidationError):
            return [_told(str(line["loc"][-1]), line["msg"]) for line in cause.errors()]
        if isinstance(cause, yaml.MarkedYAMLError) and cause.problem_mark is not None:
            mark = cause.problem_mark
            return [f"{_relative(mark.name)}:{mark.line + 1}: {cause.problem}; mend the YAML there"]
        error, cause = cause, cause.__cause__
    return [str(error)]


def _told(place: str, message: str) -> str:
    """Dagster names the place as "attributes.items at FILE:LINE"."""
    message = message.removeprefix("Value error, ")
    found = re.fullmatch(r"attributes\.?(.*) at (.+):(\d+)", place)
    if not found:
        return f"{place}: {message}"
    field, file, line = found.groups()
    return f"{_relative(file)}:{line}: {f'{field}: ' if field else ''}{message}"


def _relative(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
