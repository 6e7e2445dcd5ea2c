"""The types of parameters, in an address or a body: each takes exactly what the documentation describes.

Pydantic alone would take `1.0` and ` 1 ` for a whole number, `on` for true, and a number for a day.
"""

import re
from datetime import date
from typing import Annotated, Any, Literal, get_args, get_origin

from fastapi import Request
from pydantic import AfterValidator, BeforeValidator, Field

from finsync_pipeline.serving.problems import RequestProblem

MOST_VALUES = 50
"""Values of one parameter."""
MOST_CHARACTERS = 200
FormatName = Literal["json", "csv", "parquet", "arrow"]


def _whole(value: Any) -> Any:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{str(value)[:40]!r} is not a whole number")
    return value


def _flag(value: Any) -> Any:
    flags = {"true": True, "false": False, True: True, False: False}
    if not isinstance(value, str | bool) or value not in flags:
        raise ValueError(f"{str(value)[:40]!r} is neither true nor false")
    return flags[value]


def _day(value: Any) -> date:
    try:
        if isinstance(value, date) or re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return date.fromisoformat(str(value))
    except (TypeError, ValueError):
        pass
    raise ValueError(f"{str(value)[:40]!r} is not a day; write 2009-12-31")


def _days(value: str) -> str:
    first, dots, last = value.partition("...")
    for day in (first, last) if dots else (first,):
        _day(day)
    return value


def check_request(request: Request) -> None:
    """Raise RequestProblem for a parameter that the route does not have, or that is there twice where one is taken.

    Without parameters of its own a route would take any, and of a repeated one the last. A body must be JSON.
    """
    asked = [each.field_info.annotation for each in request.scope["route"].dependant.query_params]
    known = {name: field.annotation for model in asked for name, field in model.model_fields.items()}
    for name in request.query_params:
        if name not in known:
            raise RequestProblem("invalid-parameter", f"{name[:60]}: there is no such parameter")
        if len(request.query_params.getlist(name)) > 1 and not _takes_several(known[name]):
            raise RequestProblem("invalid-parameter", f"{name}: it is there more than once")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and media_type != "application/json":
        raise RequestProblem("media-type")


def _takes_several(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(_takes_several, get_args(annotation)))


Whole = Annotated[int, BeforeValidator(_whole)]
Flag = Annotated[bool, BeforeValidator(_flag)]
Months = Annotated[Literal[0, 3, 6, 9, 12], BeforeValidator(_whole)]
"""The length of a period; 0 is a day."""
Length = Annotated[Literal[3, 6, 9, 12], BeforeValidator(_whole)]
Text = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Day = Annotated[date, BeforeValidator(_day)]
_DAYS = r"^\d{4}-\d\d-\d\d(\.\.\.\d{4}-\d\d-\d\d)?$"
Days = Annotated[str, AfterValidator(_days), Field(json_schema_extra={"pattern": _DAYS})]
"""A day, or the first and the last one: 2009-01-01...2009-12-31."""
