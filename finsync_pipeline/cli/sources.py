"""The sources as they are declared; each mistake is reported in a line, without a traceback."""

import re
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import yaml
from pydantic import ValidationError

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.statements.mapping import SourceMapping


class DeclarationMistake(ValueError):
    """Something declared cannot be used; the message has a line for each mistake: file, line, field, fix."""


def declared_sources() -> list[SourceMapping]:
    """The mappings of all sources, by name. Raises DeclarationMistake."""
    try:
        return StatementSource.all_in(dg.ComponentTree.for_project(Path(__file__)))
    except Exception as error:
        raise DeclarationMistake("\n".join(_mistakes(error))) from error


def refuse_unknown(allow_missing: Sequence[str], sources: Sequence[SourceMapping]) -> None:
    """Raise ValueError, which has the fix, if one of `allow_missing` is not a source."""
    names = [mapping.name for mapping in sources]
    for name in allow_missing:
        if name not in names:
            raise ValueError(f"--allow-missing {name}: no such source; there are {', '.join(sorted(names))}")


def _mistakes(error: BaseException) -> list[str]:
    """A line for each mistake, from the deepest cause that tells one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ValidationError):
            return [_told(str(line["loc"][-1]), line["msg"]) for line in cause.errors()]
        if isinstance(cause, yaml.MarkedYAMLError) and cause.problem_mark is not None:
            mark = cause.problem_mark
            return [f"{_relative(mark.name)}:{mark.line + 1}: {cause.problem}; fix the YAML there"]
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
