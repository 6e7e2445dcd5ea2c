"""The parameters of a request: which there are, their values, and the format of the result."""

import re
from collections.abc import Iterable

import orjson
from aiohttp import web

from source_services.data.columns import Cell
from source_services.errors import RequestError, invalid_parameter
from source_services.query.formats import FORMATS, Format


def check_parameters(
    request: web.Request, single: Iterable[str] = (), repeated: Iterable[str] = (), prefix: str = ""
) -> None:
    """Raises RequestError for a parameter that the route does not have, or a single one that is repeated."""
    single, repeated = set(single), set(repeated)
    for name in request.query:
        is_prefixed = bool(prefix) and name.startswith(prefix) and name != prefix
        if name not in single | repeated and not is_prefixed:
            known = ", ".join([*sorted(single | repeated), *([f"{prefix}<name>"] if prefix else [])]) or "none"
            raise invalid_parameter(f"there is no parameter {name[:100]!r}", f"this route has: {known}")
        if name in single and len(request.query.getall(name)) > 1:
            raise invalid_parameter(f"the parameter {name} is given twice", "give it once")


def limit_of(request: web.Request, highest: int) -> int | None:
    """The parameter `limit`, None if it is not given. Raises RequestError."""
    text = request.query.get("limit")
    if text is None:
        return None
    # int() itself would accept "1_0" and " 1 " too
    if text.isascii() and text.isdigit() and len(text) <= 18 and 1 <= int(text) <= highest:
        return int(text)
    raise invalid_parameter(f"the parameter limit is not a whole number from 1 to {highest:,}", "write it like limit=1")


def as_cells(text: str) -> list[Cell]:
    """The cells that a text in a URL may stand for: the text, and the number if it is one."""
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
    """The format by the parameter `format`, else by content negotiation; JSON by default. Raises RequestError."""
    name = request.query.get("format")
    if name is not None:
        if name in FORMATS:
            return FORMATS[name]
        raise invalid_parameter(f"there is no format {name[:100]!r}", f"format is one of: {', '.join(FORMATS)}")
    accept = ",".join(request.headers.getall("Accept", []))
    if not accept.strip():
        return FORMATS["json"]
    ranges = _media_ranges(accept)
    best = max(FORMATS.values(), key=lambda each: _weight(each.media_type, ranges))
    if _weight(best.media_type, ranges)[0] > 0:
        return best
    media_types = ", ".join(each.media_type for each in FORMATS.values())
    raise RequestError("not-acceptable", fix=f"send {media_types}")


def _media_ranges(accept: str) -> dict[str, tuple[float, int]]:
    """Each media range of an Accept header with its weight; of equal weights, the first one is preferred."""
    ranges = {}
    for place, part in enumerate(accept.split(",")):
        media_range, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        ranges[media_range] = (float(quality) if re.fullmatch(r"[01](\.\d{0,3})?", quality) else 0.0, -place)
    return ranges


def _weight(media_type: str, ranges: dict[str, tuple[float, int]]) -> tuple[float, int]:
    """The weight of a media type: that of the most specific range that contains it."""
    matching = (media_type, media_type.partition("/")[0] + "/*", "*/*")
    return next((ranges[each] for each in matching if each in ranges), (0.0, 0))
