"""A fourth source is one YAML file and one data file: no Python."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from factories import PROJECT
from local_services import running_services

pytestmark = pytest.mark.long

TAX_YAML = """\
type: finsync_pipeline.components.StatementSource

attributes:
  name: tax
  url: "{{ env('FINSYNC_TAX_URL') }}"
  table: tax
  row_key: Ref
  company: {column: Firm, supporting_columns: {name: Legal Name}}
  period_end: {column: Year End, formats: ["%d.%m.%Y"], snap_days: 3}
  months: {column: Span, values: {FY: 12, H1: 6}}
  currency: EUR
  scale: thousands
  known_since: {column: Filed, formats: ["%d.%m.%Y"]}
  numbers: {thousands: ".", decimal: ",", null_words: ["k. A."]}
  items:
    income_tax: {column: Steuern, sign: -1}
    revenue: Umsatz
    sector: Branche
"""
TAX_CSV = """\
Ref,Firm,Legal Name,Year End,Span,Filed,Steuern,Umsatz,Branche
1,ACME,Acme Corp,30.12.2009,FY,01.03.2010,"-1.234,5",k. A.,Tools
2,ACME,Acme Corp,30.12.2009,FY,01.06.2010,"-1.300,0","7.000",Tools
3,ACME,Globex Inc,30.12.2009,FY,01.06.2010,-9,9,Tools
"""


TAX_FOLDER = "finsync_pipeline/defs/sources/tax"


def _checkout_with_tax(deployment) -> Path:
    """A copy of the pipeline with a fourth source, and the data of that source."""
    checkout = deployment.folder / "checkout"
    shutil.copytree(
        PROJECT / "finsync_pipeline", checkout / "finsync_pipeline", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(PROJECT / "pyproject.toml", checkout)
    (checkout / TAX_FOLDER).mkdir()
    (checkout / TAX_FOLDER / "defs.yaml").write_text(TAX_YAML)
    (deployment.data / "tax.csv").write_text(TAX_CSV)
    return checkout


def _finsync(checkout: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "finsync_pipeline", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    return subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)


def test_a_fourth_source_is_one_yaml_file_and_one_data_file(deployment):
    checkout = _checkout_with_tax(deployment)
    with running_services(deployment.data) as urls:
        deployment.use(urls)
        run = _finsync(checkout, "run")
    assert run.returncode == 0, run.stdout + run.stderr

    account = deployment.manifest()["sources"]["tax"]
    assert (account["rows_in"], account["rows_used"], account["rows_rejected"], account["rows_superseded"]) == (
        3,
        2,
        1,
        0,
    )
    rejects = deployment.table("rejects").query("source == 'tax'")
    assert sorted(rejects["reason"]) == ["company_conflict", "older_value", "same_value"]
    summary = deployment.table("company_summary").set_index(["company_id", "currency"])
    assert summary.loc[("A1", "EUR"), "income_tax"] == 1_300_000
    assert summary.loc[("A1", "EUR"), "revenue"] == 7_000_000
    assert summary.loc[("A1", "EUR"), "last_period"] == pd.Timestamp("2009-12-31").date()
    assert summary.loc[("A1", "USD"), "sector"] == "Tools"
    assert json.loads(rejects.set_index("reason").loc["company_conflict", "raw_text"])["Legal Name"] == "Globex Inc"


def test_a_run_after_a_source_was_removed_publishes_without_it(deployment):
    checkout = _checkout_with_tax(deployment)
    (deployment.data / "tax.csv").write_text(TAX_CSV.replace(".2009", ".2007"))
    with running_services(deployment.data) as urls:
        deployment.use(urls)
        assert _finsync(checkout, "run").returncode == 0
        assert "2007-12-31" in deployment.table("facts")["period_end"].astype(str).tolist()
        shutil.rmtree(checkout / TAX_FOLDER)

        run = _finsync(checkout, "run")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "tax" not in deployment.manifest()["sources"]
    assert set(deployment.table("financials")["period_end"].astype(str)) == {"2009-09-30", "2009-12-31"}


def test_every_source_that_ships_is_declared_in_yaml_alone():
    folder = PROJECT / "finsync_pipeline/defs/sources"
    assert {path.name for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts} == {
        "defs.yaml"
    }
    assert not list(Path(folder).rglob("*.py"))
