"""The sources as they are configured; what is wrong in a YAML file is reported with file, line and field."""

import re
from pathlib import Path

import dagster as dg
import yaml
from dagster.components.core.component_tree import ComponentTreeException
from dagster_shared.error import DagsterUnresolvableSymbolError
from pydantic import ValidationError

from finsync_pipeline.components.statement_source import StatementSource
from finsync_pipeline.errors import ConfigurationError, FinSyncError
from finsync_pipeline.statements.mapping import SourceMapping

FIX = "Correct the file, then run: finsync check"


def declared_sources() -> list[SourceMapping]:
    """The mappings of all sources, by name. Raises ConfigurationError, which has a line for each field."""
    try:
        return StatementSource.all_in(dg.ComponentTree.for_project(Path(__file__)))
    except (ComponentTreeException, DagsterUnresolvableSymbolError, ValidationError, yaml.MarkedYAMLError) as error:
        # Dagster wraps whatever a component raises, also a programming error
        explained = _explained(error) or (error.__cause__ and _explained(error.__cause__))
        if explained is None:
            raise
        raise explained from error


def _explained(error: BaseException) -> FinSyncError | None:
    match error:
        case FinSyncError():
            return error
        case ValidationError():
            found = [_read_place(str(line["loc"][-1]), line["msg"]) for line in error.errors()]
            lines = [line for line in found if line is not None]
            return ConfigurationError("\n".join(lines), FIX) if len(lines) == len(found) else None
        case yaml.MarkedYAMLError(problem_mark=yaml.Mark() as mark):
            return ConfigurationError(
                f"not valid YAML: {error.problem}", FIX, f"{_relative(mark.name)}:{mark.line + 1}"
            )
        case DagsterUnresolvableSymbolError():
            return ConfigurationError(str(error).rstrip("."), "Correct `type` there", "a defs.yaml below defs/sources")
    return None


def _read_place(place: str, message: str) -> str | None:
    """The message after file, line and field; None if it is not about a file.

    Dagster writes the place as "attributes.items at FILE:LINE".
    """
    found = re.fullmatch(r"(?:attributes\b\.?)?(.*) at (.+):(\d+)", place)
    if not found:
        return None
    field, file, line = found.groups()
    text = message.removeprefix("Value error, ").removesuffix("?")
    return f"{_relative(file)}:{line}: {f'{field}: ' if field else ''}{text}"


def _relative(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
