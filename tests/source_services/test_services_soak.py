"""Many clients of one service for a long time: FINSYNC_TEST_SOAK is the number of seconds."""

import os
import time

import pytest
from local_services import started
from service_client import clients_of

from benchmarks.services.hostile import Hostile
from benchmarks.services.soak import soak

SECONDS = float(os.environ.get("FINSYNC_TEST_SOAK") or 0)
CLIENTS = 32


HONEST_CLIENTS = 8
MOST_TIMES = 5
"""How much longer 95 % of the responses may take because of a hostile client."""

MOST_MEMORY_MB, MOST_DISK_MB = 900, 4_096
"""What docker-compose.yml gives a service, less a margin; the default of `disk_bytes`."""

pytestmark = pytest.mark.skipif(not SECONDS, reason="runs for the seconds in FINSYNC_TEST_SOAK")


@pytest.fixture
def numbers(tmp_path):
    """A service over 200,000 rows in a process of its own: a function that starts it with these settings."""
    data_file = tmp_path / "numbers.csv"
    with data_file.open("w") as file:
        file.write("company,period,value,text\n")
        for number in range(200_000):
            file.write(f"c{number % 5_000},2009-{number % 12 + 1:02},{number / 7},é{number}\n")
    arguments = ["numbers", "--data", data_file, "--port", 0, "--period-column", "period", "--index", "company"]
    return lambda **settings: started(*arguments, **settings)


def test_many_clients_get_correct_responses_for_a_long_time_in_constant_memory(numbers):
    with numbers(FINSYNC_SERVICES_REQUESTS_PER_MINUTE="100000000") as (process, lines):
        client = clients_of(lines)["numbers"]
        report = soak(client.url, SECONDS, CLIENTS, process.pid)
        assert report.failures == []
        assert report.responses.total() > 10 * SECONDS
        assert report.memory_growth < 1.1
        assert client.metric("finsync_requests_total", status="500") == 0
        assert client.metric("finsync_queries_running") == client.metric("finsync_queries_waiting") == 0
        process.terminate()
        assert process.communicate(timeout=30)[1] == ""


def test_honest_clients_are_served_beside_a_hostile_one(numbers):
    with numbers() as (process, lines):
        client = clients_of(lines)["numbers"]
        alone = soak(client.url, SECONDS / 3, HONEST_CLIENTS, process.pid, have_addresses=True)
        hostile = Hostile(client.url, "numbers", "127.0.0.2", time.monotonic() + SECONDS)
        threads = hostile.start()
        beside = soak(client.url, SECONDS, HONEST_CLIENTS, process.pid, have_addresses=True)
        for thread in threads:
            thread.join(60)
        print(
            f"\n95 % of the responses within {alone.p95 * 1000:.0f} ms, "
            f"beside a hostile client within {beside.p95 * 1000:.0f} ms\n"
            f"responses a second: {alone.per_second:.0f}, {beside.per_second:.0f}\n"
            f"at most {max(beside.memory):.0f} MB of memory, {max(beside.disk):.0f} MB of disk\n"
            f"hostile: {dict(sorted(hostile.statuses.items()))}, {hostile.closed} connections closed\n"
            f"honest: {dict(sorted(beside.responses.items()))}"
        )
        assert (hostile.faults, alone.failures, beside.failures) == ([], [], [])
        assert {status for _, status in beside.responses} <= {200, 304, 400, 410}
        assert {status for _, status in hostile.statuses} & {429, 503}
        assert beside.p95 < MOST_TIMES * alone.p95
        assert max(beside.memory) < MOST_MEMORY_MB
        assert max(beside.disk) < MOST_DISK_MB
        assert client.metric("finsync_requests_total", status="500") == 0
        process.terminate()
        assert process.communicate(timeout=60)[1] == ""
