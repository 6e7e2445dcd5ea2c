"""The one shape of problems, of the source services and of the API alike."""

from collections.abc import Mapping
from typing import Any

import requests


def check_problem(
    response: requests.Response, status: int, code: str, types: Mapping[str, Any], page: str
) -> dict[str, Any]:
    """The response is this problem of these types, which the page describes; returns it."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    body: dict[str, Any] = response.json()
    assert body.keys() == {"type", "title", "status", "detail", "instance", "code"}
    assert (body["code"], body["status"], body["type"]) == (code, status, f"{page}#{code}"), body
    assert body["title"] == types[code].title
    assert types[code].status == status
    assert len(body["detail"]) > 20
    assert body["instance"] == "urn:request:" + response.headers["X-Request-Id"]
    if status in (429, 503):
        assert int(response.headers["Retry-After"]) > 0
    return body
