"""JSON as its standard has it: a service that sends anything else is not one, or somebody wants two readers to differ.

Infinity is taken, since Datasette and Python write it and SQL has such numbers; NaN is not.
"""

import json
import re
from typing import Any

MOST_LEVELS = 64
"""Of lists and objects in a cell; Python itself gives up at some hundred, sooner or later."""


def read_strictly(text: str) -> Any:
    """Read one JSON text. Raises ValueError for what is not, NaN, a key that is there twice, or half a letter."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
        if re.search(r"\\u[dD][89a-fA-F]", text):  # one half of a letter may be without the other
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("a text has half a letter (a lone surrogate)") from None
    return value


def as_json(value: Any) -> str:
    """Write the value as a JSON text. Raises ValueError if it is nested too deeply."""
    if isinstance(value, list | dict):
        _check_levels(value)
    return json.dumps(value)


def _check_levels(value: Any) -> None:
    level = [value]
    for _ in range(MOST_LEVELS):
        inner = (list(each.values()) if isinstance(each, dict) else each for each in level)
        level = [cell for cells in inner for cell in cells if isinstance(cell, list | dict)]
        if not level:
            return
    raise ValueError("it is nested too deeply")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return found


def _constant(name: str) -> float:
    if name == "NaN":
        raise ValueError("NaN is not a value of JSON")
    return float(name)
