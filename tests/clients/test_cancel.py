"""A client that stops ends its requests, and the service ends their work."""

import threading
import time
from pathlib import Path

import pytest
from local_services import answering_service

from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import SourceUnavailable
from source_services.settings import Limits, Service

HOURS = "SELECT count(*) FROM many a, many b, many c WHERE a.id + b.id + c.id < 0"


def test_a_query_that_is_cancelled_frees_the_services_only_connection(tmp_path: Path):
    (tmp_path / "many.csv").write_text("id\n" + "\n".join(map(str, range(3_000))))
    limits = Limits(connections=1, checkout_seconds=20, query_seconds=300)
    with answering_service(Service("many", 0), tmp_path / "many.csv", limits) as served:
        with SourceService("many", served.url) as service:
            ended: list[BaseException] = []
            thread = threading.Thread(target=_asks, args=(service, ended))
            thread.start()
            time.sleep(1)
            assert thread.is_alive()
            service.cancel()
            thread.join(20)
        assert [isinstance(error, SourceUnavailable) for error in ended] == [True]
        with SourceService("many", served.url) as other:
            assert other.query("SELECT count(*) AS n FROM many").as_lists() == [[3_000]]


def test_a_client_that_was_cancelled_sends_nothing_more(tmp_path: Path):
    (tmp_path / "many.csv").write_text("id\n1\n")
    with (
        answering_service(Service("many", 0), tmp_path / "many.csv") as served,
        SourceService("many", served.url) as one,
    ):
        one.query("SELECT 1")
        one.cancel()
        with pytest.raises(SourceUnavailable):
            one.query("SELECT 1")


def _asks(service: SourceService, ended: list[BaseException]) -> None:
    try:
        service.query(HOURS)
    except BaseException as error:
        ended.append(error)
