"""One query over all sources, live or over releases: the SQL or the options in, the answer out."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

from finsync_pipeline.cli.answer_output import chosen_format, to_standard_error, view_lines, write_answer
from finsync_pipeline.cli.terminal import console, printable, write_text
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.federation.answer import Answer
from finsync_pipeline.federation.query import Progress, is_explained
from finsync_pipeline.federation.query import query as answer_of
from finsync_pipeline.federation.request import Request, read_condition, read_request
from finsync_pipeline.federation.schema import VIEWS
from finsync_pipeline.settings import query_deployment

PATIENCE = 2
"""Seconds after which it is shown what is being done."""


def query(
    sql: str | None,
    views: bool,
    release: str | None,
    against: str | None,
    format: str | None,
    output: Path | None,
    partial: bool,
    explain: bool,
    **parts: Any,
) -> int:
    """Print or write the answer; `parts` are those of a request without SQL. Raises FinSyncError."""
    if views:
        write_text("\n".join(map(view_lines, VIEWS)))
        return 0
    chosen = chosen_format(format, output)
    asked = _asked(sql, {name: part for name, part in parts.items() if part is not None})
    with progress_shown() as progress:
        options: dict[str, Any] = {"release": release, "against": against, "partial": partial, "explain": explain}
        answer = answer_of(asked, query_deployment(), progress=progress, **options)
    if explain or is_explained(asked):
        print_plan(answer, chosen)
    else:
        write_answer(answer, chosen, output)
    return 0


@contextmanager
def progress_shown() -> Iterator[Progress]:
    """What is being done, on standard error, once the block takes more than a moment; nothing where that is a file."""
    status = to_standard_error().status("asking")
    timer = Timer(PATIENCE, status.start)
    timer.daemon = True
    if sys.stderr.isatty():
        timer.start()
    try:
        yield lambda text: status.update(printable(str(text)))
    finally:
        timer.cancel()
        timer.join() if timer.is_alive() else None
        status.stop()


def print_plan(answer: Answer, chosen: str) -> None:
    """The plan of an answer as a tree, or as JSON."""
    if answer.plan is None:
        return
    if chosen == "json":
        write_text(json.dumps(answer.plan.as_dict(), indent=2, ensure_ascii=False, default=str) + "\n")
    else:
        console.print(answer.plan.tree())


def _asked(sql: str | None, parts: dict[str, Any]) -> str | Request:
    """The SQL, or the request of the options. Raises ConfigurationError if it is neither or both."""
    if sql is not None and parts:
        options = ", ".join(f"--{name}" for name in parts)
        raise ConfigurationError(
            f"{options} cannot stand beside SQL", "Write the condition in the SQL", "finsync query"
        )
    if sql is None and not parts:
        fix = 'Write one: finsync query "SELECT ...", or --item; finsync query --help has examples'
        raise ConfigurationError("there is no query", fix, "finsync query")
    if sql is None:
        return _request(**parts)
    return sys.stdin.read() if sql == "-" else sql


def _request(
    view: str = "financials",
    item: Sequence[str] = (),
    company: Sequence[str] = (),
    period: str = "",
    where: Sequence[str] = (),
    top: int | None = None,
) -> Request:
    parts: dict[str, Any] = {
        "view": view,
        "items": item,
        "companies": company,
        "where": [read_condition(each) for each in where],
    }
    if period:
        first, dots, last = period.partition("...")
        parts["periods"] = (first, last) if dots else [first]
    if top is not None:
        parts |= {"limit": top, "order_by": _measure(view, item), "descending": True}
    return read_request(**parts)


def _measure(view: str, items: Sequence[str]) -> str:
    """The column by which rows are the top ones: of facts their value, else the first item."""
    if view == "facts":
        return "value"
    if not items:
        raise ConfigurationError("it is not clear by which item", "Name it: --item revenue --top 10", "--top")
    return items[0]
