"""A source on a Datasette server is one YAML file, that of the documentation: no Python, no service."""

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from datasette_servers import datasette
from factories import PROJECT
from local_services import environment, running_services

pytestmark = pytest.mark.long

PAGE = (PROJECT / "docs" / "your_own_source.md").read_text(encoding="utf-8").partition("## A Datasette server\n")[2]
[YAML] = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
ROWS = 3_000
"""Of one period end, and as many as Datasette returns at once three times."""


def write_statements(file: Path) -> None:
    """Nearly all rows are the same statement of one company; one has another company, and one an unknown one."""
    rows = [(f"a-{number}", "ACME", "2009-12-31", 2**53 + 1, None, 7.25) for number in range(ROWS - 2)]
    rows += [("g-1", "GLBX", "2009-12-31", 500, -1.5, None), ("x-1", "NONE", "2009-12-31", 1, 1, 1)]
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE statements (accession, ticker, fiscal_year_end, revenues, profit, assets)")
        connection.executemany("INSERT INTO statements VALUES (?, ?, ?, ?, ?, ?)", rows)


def test_a_table_of_a_datasette_server_is_a_source_by_the_yaml_of_the_documentation(deployment):
    checkout = deployment.folder / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "finsync_pipeline", checkout / "finsync_pipeline", ignore=ignored)
    shutil.copy(PROJECT / "pyproject.toml", checkout)
    folder = checkout / "finsync_pipeline/defs/sources/filings"
    folder.mkdir()
    (folder / "defs.yaml").write_text(YAML, encoding="utf-8")
    database = deployment.folder / "annual_reports.db"
    write_statements(database)

    with running_services(deployment.data) as urls, datasette("-i", database) as url:
        settings = {f"FINSYNC_{name.upper()}_URL": each for name, each in {**urls, "filings": url}.items()}
        settings |= {"FINSYNC_HOME": str(deployment.home), "DAGSTER_HOME": str(deployment.home / "dagster")}
        settings |= {"FINSYNC_REFERENCE": str(deployment.folder / "companies.csv"), "PYTHONPATH": str(checkout)}
        command = [sys.executable, "-m", "finsync_pipeline", "run"]
        run = subprocess.run(command, cwd=checkout, env=environment(**settings), capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr

    account = deployment.manifest()["sources"]["filings"]
    assert account["rows_in"] == ROWS
    assert account["rows_used"] == 2
    facts = deployment.table("facts").query("source == 'filings'")
    values = dict(zip(facts["company_id"] + " " + facts["item"], facts["value"], strict=True))
    assert values["G1 revenue"] == 500
    assert values["G1 net_income"] == -1.5
    assert values["A1 total_assets"] == 7.25
