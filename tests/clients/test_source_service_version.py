"""The version of a service's data."""

import pytest
from misbehaving_server import GOOD_BODY, http, misbehaving

from finsync_pipeline.clients.responses import PeriodHash, Version
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import SourceInvalid, SourceUnavailable

PERIOD = b'{"period": "2009-12-31", "row_count": 2, "content_hash": "ab"}'


def version(periods: bytes, data_version: bytes = b'"v1"') -> bytes:
    return http(b'{"data_version": %s, "row_count": 2, "periods": %s}' % (data_version, periods))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (version(b"null"), Version("v1", 2, None)),
        (version(b"[]"), Version("v1", 2, [])),
        (version(b"[%s]" % PERIOD), Version("v1", 2, [PeriodHash("2009-12-31", 2, "ab")])),
        (
            version(b"[%s]" % PERIOD.replace(b"}", b', "more": 1}')),
            Version("v1", 2, [PeriodHash("2009-12-31", 2, "ab")]),
        ),
        (http(b"what?", "404 Not Found"), None),
    ],
)
def test_a_version_is_read_or_there_is_none(answer: bytes, expected: Version | None) -> None:
    with misbehaving(answer) as server, SourceService("pnl", server.url) as service:
        assert service.version() == expected
        assert server.requests == ["/version"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (http(b"{}"), SourceInvalid),
        (http(b"[1]"), SourceInvalid),
        (version(b"5"), SourceInvalid),
        (version(b'["x"]'), SourceInvalid),
        (version(b"null", data_version=b"7"), SourceInvalid),
        (version(b"[%s]" % PERIOD.replace(b"2,", b'"many",')), SourceInvalid),
        (http(b"<html>"), SourceInvalid),
        (http(b"", "403 Forbidden"), SourceInvalid),
        (http(b"", "500 Oh dear"), SourceUnavailable),
    ],
)
def test_a_version_of_another_shape_is_an_error(answer: bytes, kind: type[Exception]) -> None:
    with (
        misbehaving(answer) as server,
        SourceService("pnl", server.url) as service,
        pytest.raises(kind) as error,
    ):
        service.version()
    assert f"Source 'pnl' at {server.url}: " in str(error.value)
    assert "defs/sources/pnl/defs.yaml" in str(error.value)


@pytest.mark.parametrize(("header", "expected"), [(("X-Data-Version: v7",), "v7"), ((), None)])
def test_the_version_of_rows_is_that_of_their_header(header: tuple[str, ...], expected: str | None) -> None:
    with (
        misbehaving(http(GOOD_BODY, "200 OK", *header)) as server,
        SourceService("pnl", server.url) as service,
    ):
        assert service.query("SELECT 1").data_version == expected
