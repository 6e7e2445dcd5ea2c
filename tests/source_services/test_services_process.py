"""`python -m source_services` as a process: it listens, responds over HTTP and stops at a signal."""

import asyncio
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from factories import PROJECT
from local_services import LINE, WAIT_SECONDS, environment, started
from service_client import check_problem, clients_of, digest, json_lines, result_of, until

from source_services import cli, server
from source_services.data import folders
from source_services.settings import describe, variable

PNL = 'Company Name,Period Ended\nWYETH,"June 30, 2009"\n'
PATIENT_PROGRAM = (
    "-c",
    "import sys; from source_services import cli, server; server.SHUTDOWN_SECONDS = 600; sys.exit(cli.main())",
)
"""The services without their bound on the time of a shutdown: a busy machine may need longer for a large response."""

TOKEN = "a-Token.of_40~characters+0123456789abcdef"


def start_error(*arguments: object, **settings: str) -> str:
    """The message on standard error of services that cannot start."""
    done = subprocess.run(
        [sys.executable, "-m", "source_services", *map(str, arguments)],
        cwd=PROJECT,
        env=environment(**settings),
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_SECONDS,
    )
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_all_services_and_a_further_one_serve_until_a_signal_stops_them(write, tmp_path, how):
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
        assert [LINE.match(line)[1] for line in lines] == ["pnl", "balance_sheet", "cash_flow", "tax"]
        assert [LINE.match(line)[3] for line in lines] == ["1", "2", "1", "1"]
        clients = clients_of(lines)
        for name, client in clients.items():
            assert client.get("/version").json()["service"] == name
        assert result_of(clients["cash_flow"].get("/data"))[1] == [["12/31/2009", 2.5]]
        assert clients["tax"].get("/version").json()["periods"] is None
        check_problem(clients["cash_flow"].query("DROP TABLE cash_flow"), 400, "sql-not-allowed")
        assert list(temporary.iterdir()) != []

        process.send_signal(how)
        _, errors = process.communicate(timeout=WAIT_SECONDS)
        assert (process.returncode, errors) == (0, "")
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_running_requests_get_their_responses_before_the_process_ends(write, tmp_path, how):
    data_file = write("numbers.jsonl", json_lines({"n": number} for number in range(200)))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    sql = "SELECT+t0.n,t1.n,t2.n+FROM+numbers+t0,numbers+t1,numbers+t2+LIMIT+1200000"
    arguments = ["numbers", "--data", data_file, "--port", 0]
    settings = {"TMPDIR": str(temporary), "FINSYNC_SERVICES_QUERY_SECONDS": "600"}
    with started(*arguments, program=PATIENT_PROGRAM, **settings) as (process, lines):
        client = clients_of(lines)["numbers"]
        with client.connect() as connection:
            connection.sendall(f"GET /query?format=csv&q={sql} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            with HTTPResponse(connection) as response:
                response.begin()
                assert response.status == 200
                assert int(response.headers["Content-Length"]) > 10 << 20, "more than the kernel buffers"
                process.send_signal(how)
                address = urlsplit(client.url)
                until(lambda: is_closed(address.hostname, address.port))
                assert digest(response.read()) == response.headers["Repr-Digest"]
        _, errors = process.communicate(timeout=WAIT_SECONDS)
        assert (process.returncode, errors) == (0, "")
    assert list(temporary.iterdir()) == []


def is_closed(host, port):
    try:
        socket.create_connection((host, port), 1).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_process_that_is_loading_a_newer_file_ends_all_the_same(write, tmp_path):
    data_file = write("pnl.csv", PNL)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    arguments = ["pnl", "--data", data_file, "--port", 0, "--look-seconds", 0.05]
    with started(*arguments, TMPDIR=str(temporary)) as (process, _):
        large = data_file.with_name("new")
        large.write_text(PNL * 200_000)
        large.replace(data_file)
        until(lambda: len([*temporary.rglob("*.part")]) > 0)
        process.terminate()
        _, errors = process.communicate(timeout=WAIT_SECONDS)
        assert (process.returncode, errors) == (0, "")
    assert list(temporary.iterdir()) == []


def test_one_service_serves_one_file_with_a_period_column_and_keeps_its_database(write, tmp_path):
    data_file = write("delivery-2024.jsonl", '{"Year End": 2023}\n{"Year End": 2024}\n')
    databases = tmp_path / "databases"
    arguments = ["tax", "--data", data_file, "--port", 0, "--period-column", "Year End"]
    with started(*arguments, FINSYNC_SERVICES_DATABASES=str(databases)) as (process, lines):
        version = clients_of(lines)["tax"].get("/version").json()
        assert (version["table"], version["period_column"]) == ("tax", "Year End")
        assert [period["period"] for period in version["periods"]] == [2023, 2024]
        process.terminate()
        assert process.wait(timeout=WAIT_SECONDS) == 0
    name = f"tax-{version['data_version'][:16]}"
    assert sorted(path.name for path in (databases / "tax").iterdir()) == [f"{name}.arrow", f"{name}.sqlite"]


def test_an_absent_service_is_reported_and_the_others_serve(write, tmp_path):
    write("pnl.csv", PNL)
    folder = tmp_path / "data"
    with started("--base-port", 0, count=3, FINSYNC_SERVICES_DATA=str(folder)) as (_, lines):
        assert lines[0].startswith(f"balance_sheet  not served: in {folder} there is none of balance_sheet.csv,")
        assert lines[1].startswith("cash_flow      not served")
        assert clients_of(lines)["pnl"].get("/health").json() == {"status": "ok"}


def test_ports_follow_the_base_port_and_a_port_in_use_is_reported(write, tmp_path):
    write("balance_sheet.csv", "fiscalDateEnding\n2009-12-31\n")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        errors = start_error("--data", tmp_path / "data", "--base-port", port - 1)
    assert f"port {port} on 127.0.0.1 is in use, so balance_sheet cannot listen there" in errors
    assert "--base-port" in errors


def test_data_that_cannot_be_served_is_reported(write, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "contains no data file" in start_error("--data", tmp_path / "empty")
    assert "there is no such folder" in start_error("pnl", "--data", tmp_path / "absent")
    assert "name its service" in start_error("--data", write("pnl.csv", PNL))
    assert "neither CSV, JSON lines nor SQLite" in start_error("pnl", "--data", write("pnl.xlsx", PNL))


def test_options_that_do_not_fit_are_reported(write):
    assert "--base-port is for all" in start_error("--port", 8000)
    assert "use --port for one" in start_error("pnl", "--base-port", 8000)
    assert "pnl cannot listen on 127.0.0.1, port 70000" in start_error("pnl", "--port", 70000)
    assert "is not a level of the log" in start_error("pnl", FINSYNC_SERVICES_LOG="loud")
    data_file = write("tax.csv", "a\n1\n")
    assert "tax cannot listen on 192.0.2.1" in start_error(
        *("tax", "--data", data_file, "--host", "192.0.2.1"), FINSYNC_SERVICES_TOKEN=TOKEN
    )


# Access


def test_other_machines_need_a_token(write, tmp_path):
    data_file = write("pnl.csv", PNL)
    for host in ("0.0.0.0", "::", "192.0.2.1"):
        errors = start_error("pnl", "--data", data_file, "--port", 0, "--host", host)
        assert f"other machines can connect to {host}, so callers need a token" in errors
        assert "FINSYNC_SERVICES_TOKEN_FILE" in errors
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    for settings in ({"FINSYNC_SERVICES_TOKEN_FILE": str(file)}, {"FINSYNC_SERVICES_TOKEN": TOKEN}):
        arguments = ["pnl", "--data", data_file, "--port", 0, "--host", "0.0.0.0", "--log", "info"]
        with started(*arguments, **settings) as (process, lines):
            client = clients_of(lines)["pnl"]
            check_problem(client.get("/data"), 401, "not-authenticated")
            check_problem(client.get("/data", headers={"Authorization": f"Bearer {TOKEN}x"}), 401, "not-authenticated")
            allowed = {"Authorization": f"Bearer {TOKEN}"}
            bodies = [
                client.get(path, headers=allowed) for path in ("/data", "/", "/metrics", "/schema", "/openapi.json")
            ]
            assert [response.status_code for response in bodies] == [200] * 5
            process.terminate()
            output, errors = process.communicate(timeout=WAIT_SECONDS)
        assert TOKEN not in "".join(
            [*lines, output, errors, *(response.text + str(response.headers) for response in bodies)]
        )
        assert len(errors.splitlines()) == 7


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"", "is empty"), (b" \n", "is empty"), (b"\xff", "cannot be read")],
)
def test_a_token_file_without_a_token_is_reported(write, tmp_path, content, message):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    errors = start_error("pnl", "--data", write("pnl.csv", PNL), "--port", 0, FINSYNC_SERVICES_TOKEN_FILE=str(file))
    assert "FINSYNC_SERVICES_TOKEN_FILE" in errors
    assert message in errors


# Settings and the log


def test_limits_are_set_by_variables_and_wrong_ones_are_reported(write):
    data_file = write("pnl.csv", PNL)
    errors = start_error("pnl", "--data", data_file, "--port", 0, FINSYNC_SERVICES_QUERY_SECONDS="soon")
    assert "FINSYNC_SERVICES_QUERY_SECONDS: 'soon' is not a number above 0" in errors
    with started("pnl", "--data", data_file, "--port", 0, FINSYNC_SERVICES_PAGE_ROWS="7") as (_, lines):
        client = clients_of(lines)["pnl"]
        assert client.get("/schema").json()["limits"]["page_rows"] == 7
        check_problem(client.get("/data?limit=8"), 400, "invalid-parameter")


@pytest.mark.parametrize(("level", "messages"), [("warning", []), ("info", ["answered", "answered", "answered"])])
def test_the_log_is_lines_of_json_and_empty_by_default(write, level, messages):
    with started("pnl", "--data", write("pnl.csv", PNL), "--port", 0, "--log", level) as (process, lines):
        client = clients_of(lines)["pnl"]
        for number, path in enumerate(("/data", "/nothing", "/query?q=DROP")):
            client.get(path, headers={"X-Request-Id": f"id-{number}"})
        process.terminate()
        output, errors = process.communicate(timeout=WAIT_SECONDS)
    logged = [json.loads(line) for line in errors.splitlines()]
    assert [line["message"] for line in logged] == messages
    assert [line["request_id"] for line in logged] == [f"id-{number}" for number in range(len(messages))]
    assert output == ""


def test_a_data_file_that_cannot_be_loaded_is_one_line_of_the_log(write):
    data_file = write("pnl.csv", PNL)
    with started("pnl", "--data", data_file, "--port", 0, "--look-seconds", 0.05) as (process, lines):
        client = clients_of(lines)["pnl"]
        write("new", "Company Name,Period Ended\n1\n").replace(data_file)
        until(lambda: client.metric("finsync_versions_refused") == 1)
        process.terminate()
        _, errors = process.communicate(timeout=WAIT_SECONDS)
    line = json.loads(errors)
    assert (line["level"], line["service"]) == ("error", "pnl")
    assert "line 2: has 1 cells where 2 are expected" in line["message"]


def test_the_help_explains_every_setting():
    done = subprocess.run(
        [sys.executable, "-m", "source_services", "--help"],
        cwd=PROJECT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    for name, value, sentence in describe():
        assert f"  {variable(name)} (default: {value})\n      {sentence}\n" in done.stdout
        assert sentence.endswith(".")
    assert "FINSYNC_SERVICES_HEAP_BYTES (default: 134217728)" in done.stdout
    assert "--look-seconds" in done.stdout


def test_an_error_of_the_program_keeps_its_traceback(write, monkeypatch):
    def fail(*_):
        raise ValueError("an error of the program")

    monkeypatch.setattr(cli, "serve", fail)
    monkeypatch.setattr(cli, "log_to_stderr", lambda _: None)
    monkeypatch.setattr(cli.signal, "signal", lambda *_: None)
    monkeypatch.setenv("SQLITE_TMPDIR", "")  # it is set, and here not to remain so
    with pytest.raises(ValueError, match="an error of the program"):
        cli.main(["pnl", "--data", str(write("pnl.csv", PNL)), "--port", "0"])


FEW_FILES = (
    "-c",
    "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512)); "
    "from source_services import cli; sys.exit(cli.main())",
)
"""The services in a process that may open only 512 files."""


@pytest.mark.long
def test_more_connections_than_the_process_has_files_silence_no_service_and_write_no_log(write):
    file = write("tax.csv", "company,tax\nWYETH,1\n")
    with started("tax", "--data", file, "--port", 0, program=FEW_FILES) as (process, lines):
        client = clients_of(lines)["tax"]
        with ExitStack() as stack:
            for number in range(1_100):
                with client.at(f"127.0.0.{number % 11 + 3}") as hostile:
                    stack.enter_context(hostile.connect())
            # The connections that are too many are closed; those without a request, a few seconds later
            until(lambda: can_query(client))
            assert client.rows("SELECT tax FROM tax") == [["1"]]
        process.terminate()
        errors = process.communicate(timeout=WAIT_SECONDS)[1]
        assert "at most 156 connections" in errors
        assert len(errors) < 10_000


def can_query(client):
    try:
        return client.rows("SELECT tax FROM tax") == [["1"]]
    except requests.ConnectionError:
        return False


def test_errors_of_the_event_loop_that_repeat_are_logged_once(caplog):
    loop = asyncio.new_event_loop()
    error = OSError(errno.EMFILE, "Too many open files")
    for _ in range(1_000):
        server._log_loop_error(loop, {"message": "socket.accept() out of system resource", "exception": error})
    loop.close()
    assert [record.getMessage() for record in caplog.records] == ["socket.accept() out of system resource"]


def test_of_a_flood_of_refused_requests_one_a_second_is_logged(write):
    file = write("tax.csv", "company,tax\nWYETH,1\n")
    settings = {"FINSYNC_SERVICES_REQUESTS_PER_MINUTE": "5"}
    with started("tax", "--data", file, "--port", 0, "--log", "info", **settings) as (process, lines):
        client = clients_of(lines)["tax"]
        statuses = [client.get("/version").status_code for _ in range(500)]
        process.terminate()
        log = process.communicate(timeout=WAIT_SECONDS)[1]
    assert statuses.count(429) >= 490
    assert log.count('"status": 429') < 100


def test_a_pipe_in_the_place_of_the_served_file_stops_nothing(write):
    file = write("tax.csv", "company,tax\nWYETH,1\n")
    with started("tax", "--data", file, "--port", 0, "--look-seconds", 0.05) as (process, lines):
        client = clients_of(lines)["tax"]
        pipe = file.with_name("pipe")
        os.mkfifo(pipe)
        pipe.replace(file)
        until(lambda: client.get("/ready").json()["refusal"])
        assert client.rows("SELECT tax FROM tax") == [["1"]]
        file.unlink()
        write("tax.csv", "company,tax\nWYETH,2\n")
        until(lambda: client.rows("SELECT tax FROM tax") == [["2"]])
        process.terminate()
        assert "is not a regular file" in process.communicate(timeout=WAIT_SECONDS)[1]


def test_a_load_that_takes_too_long_is_killed_and_the_old_version_served(write):
    file = write("tax.csv", "company,tax\nWYETH,1\n")
    settings = {"FINSYNC_SERVICES_LOAD_SECONDS": "0.3"}
    with started("tax", "--data", file, "--port", 0, "--look-seconds", 0.05, **settings) as (process, lines):
        client = clients_of(lines)["tax"]
        write("new", "company,tax\n" + "WYETH,2\n" * 1_000_000).replace(file)
        until(lambda: client.get("/ready").json()["refusal"])
        assert client.rows("SELECT tax FROM tax") == [["1"]]
        process.terminate()
        assert "FINSYNC_SERVICES_LOAD_SECONDS" in process.communicate(timeout=WAIT_SECONDS)[1]


@pytest.mark.long
def test_what_killed_processes_left_is_removed_and_what_running_ones_use_is_not(write, tmp_path):
    write("pnl.csv", PNL)
    write("balance_sheet.csv", "fiscalDateEnding,a\n2009-12-31,1\n")
    databases, temporary = tmp_path / "databases", tmp_path / "temporary"
    leftovers = [databases / "pnl" / "pnl-abc.part", databases / "balance_sheet" / "balance_sheet-abc.part"]
    left = [*leftovers, temporary / f"{folders.PREFIX}old"]
    kept = [temporary / "other", temporary / f"{folders.PREFIX}new", databases / "pnl" / "notes"]
    for folder in [*left, *kept]:
        folder.mkdir(parents=True)
        (folder / "file").write_text("x")
    long_ago = time.time() - 1_000
    os.utime(left[-1], (long_ago, long_ago))
    where = {"TMPDIR": str(temporary), "FINSYNC_SERVICES_DATA": str(tmp_path / "data")}
    shared = {**where, "FINSYNC_SERVICES_DATABASES": str(databases)}
    with (
        started("pnl", "--port", 0, **shared) as (killed, _),
        started("balance_sheet", "--port", 0, **shared),
        started("pnl", "--port", 0, **where) as (running, more_lines),
    ):
        assert [path.exists() for path in [*left, *kept]] == [False] * 3 + [True] * 3
        assert sorted(path.name for path in databases.iterdir()) == ["balance_sheet", "pnl"]
        in_use = {path for path in temporary.iterdir() if path not in kept}
        for folder in in_use:
            os.utime(folder, (long_ago, long_ago))
        leftovers[0].mkdir()
        with started("pnl", "--port", 0, **shared), started("pnl", "--port", 0, **where):
            assert leftovers[0].exists()
            assert in_use < set(temporary.iterdir())
            assert clients_of(more_lines)["pnl"].rows("SELECT count(*) FROM pnl") == [[1]]
        killed.kill()
        killed.wait()
        with started("pnl", "--port", 0, **shared):
            assert not leftovers[0].exists()
        running.kill()
        running.wait()
        for folder in in_use:
            os.utime(folder, (long_ago, long_ago))
        with started("pnl", "--port", 0, **where):
            assert not in_use & set(temporary.iterdir())


@pytest.mark.long
def test_all_that_a_service_writes_is_in_its_folder(write, tmp_path):
    write("numbers.jsonl", json_lines({"n": number} for number in range(200)))
    databases = tmp_path / "databases"
    sql = "SELECT count(*) FROM (SELECT DISTINCT :x || a.n || b.n || c.n FROM numbers a, numbers b, numbers c)"
    arguments = ["numbers", "--data", tmp_path / "data", "--port", 0, "--databases", databases]
    with started(*arguments) as (process, lines):
        client = clients_of(lines)["numbers"]
        thread = threading.Thread(target=client.post, args=(sql,), kwargs={"x": "x" * 50_000})
        thread.start()
        written = until(lambda: [path for path in open_paths(process.pid) if path.endswith("(deleted)")])
        assert all(path.startswith(str(databases / "numbers")) for path in written), written
        thread.join()


def open_paths(pid):
    """The paths of the process's open files, but those of memory."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.append(str(link.readlink()))
    return [path for path in found if path.startswith("/") and not path.startswith(("/dev", "/memfd"))]
