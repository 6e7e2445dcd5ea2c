"""What a request asks for: its parameters, its format, its tag."""

import re
from collections.abc import Iterable
from hashlib import sha256

import orjson
from aiohttp import web

from source_services.data.columns import Cell
from source_services.errors import Problem
from source_services.query.formats import FORMATS, Format


def check_parameters(
    request: web.Request, single: Iterable[str], repeated: Iterable[str] = (), prefix: str = ""
) -> None:
    """Raises Problem for a parameter that the route does not know, or one that is given twice."""
    single, repeated = set(single), set(repeated)
    for name in request.query:
        is_prefixed = bool(prefix) and name.startswith(prefix) and name != prefix
        if name not in single | repeated and not is_prefixed:
            known = ", ".join([*sorted(single | repeated), *([f"{prefix}<name>"] if prefix else [])]) or "none"
            raise Problem("invalid-parameter", f"there is no parameter {name[:100]!r}; this route has: {known}")
        if name in single and len(request.query.getall(name)) > 1:
            raise Problem("invalid-parameter", f"the parameter {name} is given twice; give it once")


def whole_number(request: web.Request, name: str, lowest: int, highest: int) -> int | None:
    """The parameter as a whole number, None where it is not given. Raises Problem."""
    text = request.query.get(name)
    if text is None:
        return None
    # int() itself would take "1_0" and " 1 " too
    if text.isascii() and text.isdigit() and len(text) <= 18 and lowest <= int(text) <= highest:
        return int(text)
    raise Problem("invalid-parameter", f"the parameter {name} must be a whole number from {lowest:,} to {highest:,}")


def as_cells(text: str) -> list[Cell]:
    """What a text in a URL may stand for in a table: the text, and the number that it is."""
    cells: list[Cell] = [text]
    if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", text):
        try:
            number = orjson.loads(text)
        except orjson.JSONDecodeError:
            return cells
        if isinstance(number, float) or -(2**63) <= number < 2**63:
            cells.append(number)
    return cells


def format_of(request: web.Request) -> Format:
    """The format by the parameter `format`, else by Accept; JSON where anything will do. Raises Problem."""
    name = request.query.get("format")
    if name is not None:
        if name in FORMATS:
            return FORMATS[name]
        raise Problem("invalid-parameter", f"the parameter format must be one of: {', '.join(FORMATS)}")
    accept = ",".join(request.headers.getall("Accept", []))
    if not accept.strip():
        return FORMATS["json"]
    ranges = _ranges(accept)
    best = max(FORMATS.values(), key=lambda each: _weight(each.media_type, ranges))
    if _weight(best.media_type, ranges)[0] > 0:
        return best
    raise Problem("not-acceptable", "Accept names none of: " + ", ".join(each.media_type for each in FORMATS.values()))


def _ranges(accept: str) -> dict[str, tuple[float, int]]:
    """Each media range of an Accept header with its weight; of the same weight, what is named first is preferred."""
    ranges = {}
    for place, part in enumerate(accept.split(",")):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        ranges[media_range] = (float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0.0, -place)
    return ranges


def _weight(media_type: str, ranges: dict[str, tuple[float, int]]) -> tuple[float, int]:
    """The weight of a media type: that of the range that says most about it."""
    said = (media_type, media_type.partition("/")[0] + "/*", "*/*")
    return next((ranges[each] for each in said if each in ranges), (0.0, 0))


def tag_of(version: str, *question: object) -> str:
    """The entity tag, quoted, of the answer to this question by this version."""
    return f'"{version[:16]}-{sha256(orjson.dumps(question, default=str)).hexdigest()[:16]}"'


def has_tag(request: web.Request, tag: str, or_any: bool = True) -> bool:
    """Whether the caller has the answer with this tag already; `or_any`: or any answer (`*`), for there is one."""
    given = ",".join(request.headers.getall("If-None-Match", []))
    if request.method not in ("GET", "HEAD"):
        return False
    return (or_any and given.strip() == "*") or tag in (each.strip().removeprefix("W/") for each in given.split(","))
