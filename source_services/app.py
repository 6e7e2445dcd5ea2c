"""The HTTP side of a service: routes, parameters and the one shape of errors."""

import json
from dataclasses import asdict
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from source_services.holdings import Holdings, quoted
from source_services.queries import QUERY_SECONDS, RequestError, run

DEFAULT_PAGE_ROWS = 100
"""Rows of a page of /data when the caller names no limit."""

MAX_PAGE_ROWS = 1_000
"""The largest page of /data."""

_LARGEST_OFFSET = 2**63 - 1

_MESSAGES = {
    404: "there is no such page: this service answers GET /data, /query, /version and /health",
    405: "the service only reads: use GET or HEAD",
    500: "the service failed to answer; its log says why, under the time of this request",
}


def create_app(holdings: Holdings, query_seconds: float = QUERY_SECONDS) -> Flask:
    """The Flask app that serves `holdings`; a query that takes longer than `query_seconds` is stopped."""
    app = Flask(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False

    @app.get("/data")
    def data() -> Response:
        limit = _whole_number("limit", DEFAULT_PAGE_ROWS, 1, MAX_PAGE_ROWS)
        offset = _whole_number("offset", 0, 0, _LARGEST_OFFSET)
        # A table is only ever filled once, so its rows are numbered 1, 2, 3 ... without a gap
        columns, rows = run(
            holdings,
            f"SELECT * FROM {quoted(holdings.service.name)} WHERE _rowid_ > ? ORDER BY _rowid_ LIMIT ?",
            (offset, limit),
            query_seconds,
        )
        following = offset + len(rows)
        return _json(
            {
                "columns": columns,
                "rows": rows,
                "row_count": holdings.row_count,
                "next_offset": following if following < holdings.row_count else None,
            }
        )

    @app.get("/query")
    def query() -> Response:
        sql = request.args.get("q", "")
        if not sql.strip():
            raise RequestError(400, "missing_parameter", "the parameter q is missing: send /query?q=SELECT ...")
        columns, rows = run(holdings, sql, seconds=query_seconds)
        return _json({"columns": columns, "rows": rows, "row_count": len(rows)})

    @app.get("/version")
    def version() -> Response:
        return _json(
            {
                "service": holdings.service.name,
                "table": holdings.service.name,
                "columns": holdings.columns,
                "period_column": holdings.service.period_column,
                "data_version": holdings.data_version,
                "row_count": holdings.row_count,
                "periods": None if holdings.periods is None else [asdict(each) for each in holdings.periods],
            }
        )

    @app.get("/health")
    def health() -> Response:
        return _json({"status": "ok"})

    @app.errorhandler(RequestError)
    def request_error(error: RequestError) -> Response:
        return _error(error.status, error.code, error.message)

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        status = error.code or 500
        response = _error(status, error.name.lower().replace(" ", "_"), _MESSAGES.get(status, error.name))
        if "Allow" in (headers := error.get_response().headers):
            response.headers["Allow"] = headers["Allow"]
        return response

    @app.after_request
    def say_the_data_version(response: Response) -> Response:
        response.headers["X-Data-Version"] = holdings.data_version
        return response

    return app


def _whole_number(name: str, default: int, lowest: int, highest: int) -> int:
    text = request.args.get(name)
    if text is None:
        return default
    # 19 digits are enough for the highest; int() itself would take "1_0" and " 1 " too
    if text.isascii() and text.isdigit() and len(text) <= 19 and lowest <= int(text) <= highest:
        return int(text)
    raise RequestError(400, "bad_parameter", f"the parameter {name} must be a whole number from {lowest} to {highest}")


def _json(body: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text, status=status, mimetype="application/json")


def _error(status: int, code: str, message: str) -> Response:
    return _json({"error": {"code": code, "message": message}}, status)
