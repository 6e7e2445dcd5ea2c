"""A part of what is declared in YAML: unknown keys are refused, each mistake is told with field and cure.

Pydantic says where a mistake is; what it says of it speaks of its own types, and is put here into words of
the file.
"""

from difflib import get_close_matches
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator


class Declared(BaseModel):
    """A part of the declaration. Raises pydantic's ValidationError, each line with a field and a cure."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="wrap")
    @classmethod
    def _told_plainly(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            lines: list[Any] = [_plain(line, cls) for line in error.errors()]
            raise ValidationError.from_exception_data(cls.__name__, lines) from None


def _plain(line: Any, part: type[BaseModel]) -> dict[str, Any]:
    """The line of a ValidationError with the mistake in plain words, where pydantic's are not."""
    mistake = _mistake(line, part)
    if mistake is None:
        return {"ctx": {}, **line}
    # Not a type of our own: Dagster makes the error anew from its type, which pydantic must know.
    return {**line, "type": "value_error", "ctx": {"error": ValueError(mistake)}}


def _mistake(line: Any, part: type[BaseModel]) -> str | None:
    kind, value = line["type"], line["input"]
    keys = ", ".join(part.model_fields)
    match kind:
        case "missing":
            said = part.model_fields[str(line["loc"][0])].description
            return "missing; declare it" + (f": {said[0].lower()}{said[1:]}" if said else "")
        case "extra_forbidden":
            near = get_close_matches(str(line["loc"][-1]), part.model_fields, n=1)
            return f"no such key; {f'did you mean {near[0]}?' if near else f'there are {keys}'}"
        case "model_type":
            or_name = "the name of a column, or " if "column" in part.model_fields else ""
            return f"{value!r} cannot stand here; write {or_name}keys ({keys})"
        case "string_type":
            return f"{value!r} is no text; write a text, in quotes where it looks like a number or yes and no"
        case "string_too_short" | "too_short":
            return "empty; name at least one"
        case "list_type":
            return f"{value!r} is no list; write it in [ ]"
        case "dict_type":
            return f"{value!r} cannot stand here; write keys with values"
        case "literal_error":
            return f"{value!r} is not possible; use {line['ctx']['expected']}"
    return None
