"""Valid and invalid requests, generated from the OpenAPI document: it describes every response."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from factories import PROJECT
from service_client import serving

from source_services.settings import SERVICES

pytestmark = pytest.mark.long

EXAMPLES = int(os.environ.get("FINSYNC_TEST_OPENAPI_EXAMPLES") or 4)
"""Random requests for each operation, in addition to those that cover each rule of each parameter."""

PERIODS = {service.name: service.period_column for service in SERVICES}
NAMES = ["cash_flow"] if EXAMPLES < 20 else ["balance_sheet", "cash_flow", "pnl"]

# The document cannot describe what is valid SQL, nor which texts are tokens: such a text may get 400
CONFIGURATION = """
[[operations]]
include-path-regex = "^/(data|query)$"
checks.positive_data_acceptance.expected-statuses = ["2xx", "304", "400", "410"]
"""


@pytest.mark.parametrize("name", NAMES)
def test_every_response_is_one_that_the_document_describes(name, tmp_path, capsys):
    sample = next((PROJECT / "source_services" / "sample_data").glob(f"{name}.*"))
    data_file = tmp_path / sample.name
    data_file.write_bytes(sample.read_bytes())
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    with serving(data_file, PERIODS[name], requests_per_minute=10_000_000) as client:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                *("--config-file", tmp_path / "schemathesis.toml", "run", client.url + "/openapi.json"),
                *("--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES), "--continue-on-failure"),
                *("--generation-deterministic", "--request-timeout", "300", "--suppress-health-check", "all"),
                *("--report", "json", "--report-json-path", tmp_path / "report.json"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        statuses = {int(labels["status"]) for each, labels, _ in client.samples() if each == "finsync_requests_total"}
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    cases = report["test_cases"]
    with capsys.disabled():
        print(f" {cases['generated']:,} requests to {name}", end="")
    assert cases["generated"] >= max(500, 14 * EXAMPLES)
    assert (cases["with_failures"], cases["errored"], report["operations"]["tested"]) == (0, 0, 18)
    assert statuses >= {200, 304, 400, 405, 415}
    assert {status for status in statuses if status >= 500} <= {503}
