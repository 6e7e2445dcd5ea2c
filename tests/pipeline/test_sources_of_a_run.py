"""A run asks its sources all at once, and each source for its whole table once; nothing else changes."""

from contextlib import ExitStack
from datetime import date
from threading import Barrier
from types import SimpleNamespace

import dagster as dg
import pytest
from local_services import answering_services
from plain_servers import gathering, passing_on

from finsync_pipeline.cli.run import occupied_range
from finsync_pipeline.cli.sources import declared_sources
from finsync_pipeline.clients import source_service
from finsync_pipeline.definitions import defs
from finsync_pipeline.extraction.connect import Prefetch
from finsync_pipeline.orchestration.resources import RunSources

QUARTERS = ("--quarters", "2009-Q3...2009-Q4")


def test_a_run_asks_all_its_sources_before_it_has_an_answer_of_any(deployment, released):
    with answering_services(deployment.data) as urls, ExitStack() as stack:
        barrier = Barrier(3)
        deployment.use({name: stack.enter_context(gathering(url, barrier)) for name, url in urls.items()})

        assert deployment.finsync("run", *QUARTERS) == 0

    assert deployment.csv() == released.csv()


@pytest.mark.long
def test_a_run_gets_each_table_whole_once_and_into_a_file(deployment, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(source_service, "LARGE_BYTES", 0)
    heard: list[str] = []
    with answering_services(deployment.data) as urls, ExitStack() as stack:
        deployment.use({name: stack.enter_context(passing_on(url, heard.append)) for name, url in urls.items()})
        assert deployment.finsync("run", *QUARTERS) == 0

    assert heard.count("/data") == 3
    assert heard.count("/version") == 3


def test_all_sources_are_asked_at_the_same_time_for_their_occupied_quarters(deployment):
    with answering_services(deployment.data) as urls, ExitStack() as stack:
        barrier = Barrier(3)
        deployment.use({name: stack.enter_context(gathering(url, barrier)) for name, url in urls.items()})
        assert occupied_range(declared_sources()) == (date(2009, 7, 1), date(2009, 10, 1))


def test_the_sensor_asks_all_sources_at_the_same_time(deployment):
    with answering_services(deployment.data) as urls, ExitStack() as stack:
        barrier = Barrier(3)
        deployment.use({name: stack.enter_context(gathering(url, barrier)) for name, url in urls.items()})
        sensor = defs().get_repository_def().get_sensor_def("source_changed")
        with dg.build_sensor_context() as context:
            assert len(sensor(context).run_requests) == 1


def test_a_source_whose_url_cannot_be_used_does_not_affect_the_others(deployment):
    with answering_services(deployment.data) as urls:
        deployment.use(urls | {"cash_flow": "http://no-such-host.invalid:1"})
        assert occupied_range(declared_sources()) == (date(2009, 7, 1), date(2009, 10, 1))
        sensor = defs().get_repository_def().get_sensor_def("source_changed")
        with dg.build_sensor_context() as context:
            assert len(sensor(context).run_requests) == 1


@pytest.mark.parametrize(
    ("executor", "steps", "is_prefetched"),
    [
        (dg.in_process_executor, ["pnl_inventory", "cash_flow_inventory"], True),
        (dg.in_process_executor, ["pnl_inventory", "pnl__raw"], False),
        (dg.multiprocess_executor, ["pnl_inventory", "cash_flow_inventory"], False),
        (dg.multi_or_in_process_executor, ["pnl_inventory", "cash_flow_inventory"], False),
    ],
)
def test_a_step_asks_alone_where_steps_are_processes_or_its_source_is_the_only_one(
    deployment, executor: dg.ExecutorDefinition, steps: list[str], is_prefetched: bool
):
    with answering_services(deployment.data) as urls:
        deployment.use(urls)
        sources = declared_sources()
        [pnl] = [source for source in sources if source.name == "pnl"]
        run, job = SimpleNamespace(step_keys_to_execute=steps, tags={}), SimpleNamespace(executor_def=executor)
        with Prefetch() as prefetch:
            inventory = RunSources(sources, prefetch).inventory(SimpleNamespace(run=run, job_def=job), pnl)
            assert inventory.row_count == 5
            assert (prefetch.inventory("cash_flow") is not None) is is_prefetched
