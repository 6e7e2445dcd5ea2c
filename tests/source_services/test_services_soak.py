"""Many clients of one service for a long time: FINSYNC_TEST_SOAK is the number of seconds."""

import os

import pytest
from local_services import started
from service_client import clients_of

from benchmarks.services.soak import soak

SECONDS = float(os.environ.get("FINSYNC_TEST_SOAK") or 0)
CLIENTS = 32


@pytest.mark.skipif(not SECONDS, reason="runs for the seconds in FINSYNC_TEST_SOAK")
def test_many_clients_get_correct_responses_for_a_long_time_in_constant_memory(tmp_path):
    data_file = tmp_path / "numbers.csv"
    with data_file.open("w") as file:
        file.write("company,period,value,text\n")
        for number in range(200_000):
            file.write(f"c{number % 5_000},2009-{number % 12 + 1:02},{number / 7},é{number}\n")
    arguments = ["numbers", "--data", data_file, "--port", 0, "--period-column", "period", "--index", "company"]
    with started(*arguments, FINSYNC_SERVICES_REQUESTS_PER_MINUTE="100000000") as (process, lines):
        client = clients_of(lines)["numbers"]
        report = soak(client.url, SECONDS, CLIENTS, process.pid)
        assert report.failures == []
        assert report.responses.total() > 10 * SECONDS
        assert report.memory_growth < 1.1
        assert client.metric("finsync_requests_total", status="500") == 0
        assert client.metric("finsync_queries_running") == client.metric("finsync_queries_waiting") == 0
        process.terminate()
        assert process.communicate(timeout=30)[1] == ""
