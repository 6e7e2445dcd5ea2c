"""A part of what YAML declares: unknown keys are refused, and each mistake is reported with its field and the fix.

Pydantic reports where a mistake is, but describes it by its own types. This module describes it in words of the file.
"""

from difflib import get_close_matches
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ModelWrapValidatorHandler, ValidationError, model_validator


class ConfigModel(BaseModel):
    """A part of the configuration. Raises pydantic's ValidationError, each line with a field and a fix."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    RENAMED: ClassVar[dict[str, str]] = {}
    """Keys of earlier versions, and what each is called now."""

    @model_validator(mode="wrap")
    @classmethod
    def _report_plainly(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(value)
        except ValidationError as error:
            lines: list[Any] = [_plain(line, cls) for line in error.errors() if not _is_renamed(line, value, cls)]
            raise ValidationError.from_exception_data(cls.__name__, lines) from None


def _is_renamed(line: Any, value: Any, part: type[ConfigModel]) -> bool:
    """Whether a key is missing because it is written by its earlier name, which is another mistake."""
    return line["type"] == "missing" and any(part.RENAMED.get(key) == line["loc"][-1] for key in value)


def _plain(line: Any, part: type[ConfigModel]) -> dict[str, Any]:
    """The line of a ValidationError with the mistake in plain words, where pydantic's are not."""
    mistake = _mistake(line, part)
    if mistake is None and line["type"] != "value_error":
        mistake = line["msg"]
    line = {**line, "loc": _keys(line, part)}
    if mistake is None:
        return {"ctx": {}, **line}
    # Not a type of our own: Dagster makes the error anew from its type, which pydantic must know.
    return {**line, "type": "value_error", "ctx": {"error": ValueError(mistake)}}


def _keys(line: Any, part: type[ConfigModel]) -> tuple[Any, ...]:
    """The keys that lead to the mistake; pydantic names the chosen kind among them, which is not a key."""
    field, *inner = line["loc"] or [None]
    if field not in part.model_fields or part.model_fields[field].discriminator is None:
        return tuple(line["loc"])
    return (field, "kind") if line["type"].startswith("union_tag") else (field, *inner[1:])


def _mistake(line: Any, part: type[ConfigModel]) -> str | None:
    value, keys = line["input"], ", ".join(part.model_fields)
    match line["type"]:
        case "missing":
            description = part.model_fields[str(line["loc"][0])].description
            return "missing; declare it" + (f": {description[0].lower()}{description[1:]}" if description else "")
        case "extra_forbidden":
            return _unknown_key(str(line["loc"][-1]), part)
        case "model_type":
            or_name = "the name of a column, or " if "column" in part.model_fields else ""
            return f"{value!r} cannot stand here; write {or_name}keys ({keys})"
        case "string_type":
            return f"{value!r} is not a text; write a text, in quotes where it looks like a number or yes and no"
        case "string_too_short" | "too_short":
            return "empty; name at least one"
        case "list_type" | "sequence_str" | "is_instance_of":
            return f"{value!r} is not a list; write it in [ ]"
        case "dict_type" | "model_attributes_type":
            return f"{value!r} cannot stand here; write keys with values"
        case "union_tag_invalid":
            return (
                f"{line['ctx']['tag']!r} is not possible; use {' or '.join(line['ctx']['expected_tags'].split(', '))}"
            )
        case "union_tag_not_found":
            return "missing; declare it, such as kind: datasette"
        case "literal_error":
            return f"{value!r} is not possible; use {line['ctx']['expected']}"
    return None


def _unknown_key(key: str, part: type[ConfigModel]) -> str:
    if key in part.RENAMED:
        return f"this key has a new name; write {part.RENAMED[key]}"
    near = get_close_matches(key, [*part.model_fields, *part.RENAMED], n=1)
    guess = f"did you mean {part.RENAMED.get(near[0], near[0])}?" if near else ""
    return f"no such key; {guess or 'there are ' + ', '.join(part.model_fields)}"
