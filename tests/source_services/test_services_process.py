"""`python -m source_services` as a real process: it listens, answers over HTTP and stops when told."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, build_opener

import pytest

ROOT = Path(__file__).parents[2]
LINE = re.compile(r"^(\w+) +(http://127\.0\.0\.1:\d+)   ([\d,]+) rows   data version [0-9a-f]{12}…$")
PNL = 'Company Name,Period Ended\nWYETH,"June 30, 2009"\n'


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FINSYNC_")}
    return {**kept, "PYTHONUTF8": "1", **settings}


@contextmanager
def started(*arguments: object, count: int, **settings: str):
    """Start the services, wait for `count` lines, give them with the process, and end it."""
    with subprocess.Popen(
        [sys.executable, "-m", "source_services", *map(str, arguments)],
        cwd=ROOT,
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield process, [process.stdout.readline().rstrip("\n") for _ in range(count)]
        finally:
            process.terminate()  # not kill: the temporary folder is to go too
            process.communicate(timeout=10)


def refused(*arguments: object, **settings: str) -> str:
    """Run the services, which must not start; returns what they say on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "source_services", *map(str, arguments)],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        encoding="utf-8",
        timeout=20,
    )
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    return done.stderr


def get(url: str):
    with build_opener(ProxyHandler({})).open(url, timeout=5) as answer:
        return json.load(answer)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_all_services_and_a_further_one_serve_until_told_to_stop(write, tmp_path, how):
    write("pnl.csv", PNL)
    write("balance_sheet.csv.gz", "fiscalDateEnding,totalAssets\n2009-12-31,None\n2010-03-31,5\n")
    write("cash_flow.jsonl.gz", '{"asOf": "12/31/2009", "lines": {"Net income": 2.5}}\n')
    write("tax.csv", "company,tax\nWYETH,1\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with started("--data", tmp_path / "data", "--base-port", 0, count=4, TMPDIR=str(temporary)) as (
        process,
        lines,
    ):
        matches = [LINE.match(line) for line in lines]
        assert [match[1] for match in matches] == ["pnl", "balance_sheet", "cash_flow", "tax"]
        assert [match[3] for match in matches] == ["1", "2", "1", "1"]
        for match in matches:
            assert get(match[2] + "/version")["service"] == match[1]
        cash_flow = matches[2][2]
        assert get(cash_flow + "/data")["rows"] == [["12/31/2009", 2.5]]
        assert get(matches[3][2] + "/version")["periods"] is None
        with pytest.raises(HTTPError) as caught:
            get(cash_flow + "/query?q=DROP%20TABLE%20cash_flow")
        assert caught.value.code == 400
        assert list(temporary.iterdir()) != []

        process.send_signal(how)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")
    assert list(temporary.iterdir()) == []


def test_one_service_serves_one_file_with_a_period_column_and_keeps_its_database(write, tmp_path):
    data_file = write("delivery-2024.jsonl", '{"Year End": 2023}\n{"Year End": 2024}\n')
    databases = tmp_path / "databases"
    arguments = ["tax", "--data", data_file, "--port", 0, "--period-column", "Year End"]
    with started(*arguments, count=1, FINSYNC_SERVICES_DATABASES=str(databases)) as (process, (line,)):
        version = get(LINE.match(line)[2] + "/version")
        assert (version["table"], version["period_column"]) == ("tax", "Year End")
        assert [period["period"] for period in version["periods"]] == [2023, 2024]
        process.terminate()
        assert process.wait(timeout=10) == 0
    name = f"tax-{version['data_version'][:16]}"
    assert sorted(path.name for path in databases.iterdir()) == [f"{name}.arrow", f"{name}.sqlite"]


def test_an_absent_service_is_told_and_the_others_serve(write, tmp_path):
    write("pnl.csv", PNL)
    folder = tmp_path / "data"
    with started("--base-port", 0, count=3, FINSYNC_SERVICES_DATA=str(folder)) as (_, lines):
        assert lines[0].startswith(f"balance_sheet  not served: in {folder} there is none of balance_sheet.csv,")
        assert lines[1].startswith("cash_flow      not served")
        assert get(LINE.match(lines[2])[2] + "/health") == {"status": "ok"}


def test_ports_follow_the_base_port_and_a_port_in_use_is_told(write, tmp_path):
    write("balance_sheet.csv", "fiscalDateEnding\n2009-12-31\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        errors = refused("--data", tmp_path / "data", "--base-port", port - 1)
    assert f"port {port} on 127.0.0.1 is in use, so balance_sheet cannot listen there" in errors
    assert "--base-port" in errors


def test_what_cannot_be_served_is_told(write, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "holds no data file to serve" in refused("--data", tmp_path / "empty")
    assert "there is no such folder" in refused("pnl", "--data", tmp_path / "absent")
    assert "say which service" in refused("--data", write("pnl.csv", PNL))
    assert "neither CSV, JSON lines nor SQLite" in refused("pnl", "--data", write("pnl.xlsx", PNL))


def test_options_that_do_not_fit_are_told(write):
    assert "--base-port is for all" in refused("--port", 8000)
    assert "use --port for one" in refused("pnl", "--base-port", 8000)
    assert "is no port" in refused("pnl", "--port", 70000)
    data_file = write("tax.csv", "a\n1\n")
    assert "tax cannot listen on 192.0.2.1" in refused("tax", "--data", data_file, "--host", "192.0.2.1")
