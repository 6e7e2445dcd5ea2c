"""The worked example of docs/your_own_source.md, followed on the real file."""

import csv
import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from factories import PROJECT
from local_services import running_services

from finsync_pipeline.statements.mapping import SourceMapping

pytestmark = pytest.mark.long

DECLARATION = re.search(r"```yaml\n(.*?)```", (PROJECT / "docs/your_own_source.md").read_text(), re.DOTALL)

OTHERS_LEFT_OUT = [f"--allow-missing={source}" for source in ("pnl", "balance_sheet", "cash_flow")]


@pytest.fixture
def provider(shared_data: Path, deployment):
    """The deployment with the second provider's file and YAML beside the three sources, after a run of it alone."""
    assert DECLARATION is not None
    shutil.copy(shared_data / "nyse_fundamentals.csv.gz", deployment.data)
    checkout = deployment.folder / "checkout"
    shutil.copytree(
        PROJECT / "finsync_pipeline", checkout / "finsync_pipeline", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(PROJECT / "pyproject.toml", checkout)
    (checkout / "finsync_pipeline/defs/sources/nyse").mkdir()
    (checkout / "finsync_pipeline/defs/sources/nyse/defs.yaml").write_text(DECLARATION[1])
    with (shared_data / "nyse_securities.csv").open(newline="", encoding="utf-8") as file:
        listed = {row["CIK"]: row for row in csv.DictReader(file)}
    with (deployment.folder / "companies.csv").open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows([cik, row["Security"], row["Ticker symbol"], cik] for cik, row in listed.items())
    with running_services(deployment.data) as urls:
        deployment.use({**urls, "nyse": urls["nyse_fundamentals"]})
        run = subprocess.run(
            [sys.executable, "-m", "finsync_pipeline", "run", *OTHERS_LEFT_OUT],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": str(checkout), "FINSYNC_FIRST_QUARTER": "2015-01-01"},
            capture_output=True,
            text=True,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    return deployment


def test_a_second_provider_is_one_yaml_file_and_every_cell_of_it_is_right_or_refused(shared_data: Path, provider):
    with gzip.open(shared_data / "nyse_fundamentals.csv.gz", "rt", newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert (len(header), {len(row) for row in rows}) == (78, {79})
    account = provider.manifest()["sources"]["nyse"]
    assert account["row_count"] == len(rows) == 1781
    assert account["cells_in"] == sum(account[f"cells_{fate}"] for fate in ("used", "rejected", "superseded", "empty"))

    assert DECLARATION is not None
    mapping = SourceMapping.model_validate(yaml.safe_load(DECLARATION[1])["attributes"])
    facts = provider.table("facts").query("source == 'nyse'")
    delivered = {row[0]: dict(zip(header, row[1:], strict=True)) for row in rows}
    for fact in facts.itertuples():
        declared = mapping.items[fact.item]
        assert fact.value == float(delivered[fact.row_key][declared.column]) * declared.sign
    assert account["cells_used"] == len(facts)
    assert account["rows_in"] == sum(row[2] >= "2015-01-04" for row in rows)
    assert account["rows_used"] > 0.97 * account["rows_in"]
    assert {line["reason"] for line in account["reasons"]} <= {
        "company_unknown",
        "company_ambiguous",
        "outside_quarters",
    }
