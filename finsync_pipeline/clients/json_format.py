"""Answers in JSON: of any service that speaks SQL over HTTP, or gives its table in pages."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from finsync_pipeline.clients.errors import Complaints
from finsync_pipeline.clients.http import Reply
from finsync_pipeline.clients.responses import Answer, PeriodHash, Version


def read_json(reply: Reply, complaints: Complaints) -> Any:
    """The JSON in the body. Raises SourceAnswerMistake."""
    try:
        return json.loads(str(reply.body, "utf-8-sig"))
    except UnicodeDecodeError:  # response.json() would guess, and change letters
        raise complaints.nonsense("text that is not UTF-8") from None
    except (ValueError, RecursionError):
        raise complaints.nonsense("no JSON") from None


@dataclass(frozen=True)
class Page:
    """Rows, what the service counts (these, or those of the whole table), and what to ask for the rows after them."""

    columns: list[str]
    rows: list[list[Any]]
    counted: Any
    following: dict[str, str] | None
    data_version: str | None


def read_answer(reply: Reply, complaints: Complaints) -> Answer:
    """The rows of a query, as many as the service counts. Raises SourceAnswerMistake."""
    page = read_page(reply, complaints)
    if len(page.rows) != page.counted:
        raise complaints.nonsense("not the rows and cells that it counts")
    return answer_of(page.columns, page.rows, page.data_version, complaints)


def read_page(reply: Reply, complaints: Complaints) -> Page:
    """A page of a table. Raises SourceAnswerMistake."""
    body = read_json(reply, complaints)
    try:
        columns, rows, counted = body["columns"], body["rows"], body["row_count"]
    except (KeyError, TypeError):
        raise complaints.nonsense("no columns, rows and row_count") from None
    if not (_is_list_of(str, columns) and _is_list_of(list, rows) and len(set(columns)) == len(columns)):
        raise complaints.nonsense("no list of distinct columns, or no list of rows")
    if any(len(row) != len(columns) for row in rows):
        raise complaints.nonsense("not the rows and cells that it counts")
    return Page(columns, rows, counted, _following(body, reply), reply.headers.get("X-Data-Version"))


def read_pages(ask: Callable[[dict[str, str]], Page], complaints: Complaints) -> Answer:
    """The whole table of all its pages; `ask` gets one. Raises SourceAnswerMistake, or SourceChanged in the middle."""
    pages = [ask({})]
    asked: list[dict[str, str]] = [{}]
    while (following := pages[-1].following) is not None:
        if following in asked or not pages[-1].rows:
            raise complaints.nonsense("a page that leads nowhere")
        asked.append(following)
        pages.append(ask(following))
    if any((page.columns, page.data_version) != (pages[0].columns, pages[0].data_version) for page in pages):
        raise complaints.changed()
    rows = [row for page in pages for row in page.rows]
    if any(page.counted not in (len(page.rows), len(rows)) for page in pages):
        raise complaints.nonsense("not the rows and cells that it counts")
    return answer_of(pages[0].columns, rows, pages[0].data_version, complaints)


def _following(body: dict[str, Any], reply: Reply) -> dict[str, str] | None:
    """The parameters of the next page: a token, an offset, or those of a link."""
    for key, parameter in (("next", "next"), ("next_offset", "offset")):
        if body.get(key) is not None:
            return {parameter: str(body[key])}
    return dict(parse_qsl(urlsplit(reply.links["next"]["url"]).query)) if "next" in reply.links else None


def answer_of(columns: list[str], rows: list[list[Any]], data_version: str | None, complaints: Complaints) -> Answer:
    """The answer of these rows. Raises SourceAnswerMistake for texts that are none."""
    try:
        return Answer.of_rows(columns, rows, data_version)
    except UnicodeEncodeError:
        raise complaints.nonsense("text that is not Unicode") from None


def read_version(reply: Reply, complaints: Complaints) -> Version:
    """What the service says of its data. Raises SourceAnswerMistake."""
    body = read_json(reply, complaints)
    try:
        periods = body["periods"]
        version = Version(
            body["data_version"],
            int(body["row_count"]),
            None if periods is None else [_period_hash(period) for period in periods],
        )
    except (KeyError, TypeError, ValueError):
        raise complaints.nonsense("no data_version, row_count and periods") from None
    if not isinstance(version.data_version, str):
        raise complaints.nonsense("a data_version that is no text")
    return version


def _period_hash(told: dict[str, Any]) -> PeriodHash:
    return PeriodHash(told["period"], int(told["row_count"]), str(told["content_hash"]))


def _is_list_of(kind: type, value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)
