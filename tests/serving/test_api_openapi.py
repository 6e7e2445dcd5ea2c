"""Requests generated from the OpenAPI document, valid and not: it describes every response, and none is a failure."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from serving.conftest import queried, serving

EXAMPLES = int(os.environ.get("FINSYNC_TEST_API_EXAMPLES") or 3)
"""Random requests for each operation, in addition to the thousands that cover each rule of each parameter."""

# The document cannot describe which releases, companies, items and columns there are, nor what is one SELECT
CONFIGURATION = """
[checks]
positive_data_acceptance.expected-statuses = ["2xx", "304", "400", "404", "406", "413", "503"]
negative_data_rejection.expected-statuses = ["400", "404", "405", "406", "413", "415"]
"""


@pytest.mark.long
def test_every_response_is_one_that_the_document_describes(released, tmp_path, capsys):
    of_release = queried(released.home, released.folder / "companies.csv")
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION)
    with serving(lambda: of_release) as client:
        done = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                *("--config-file", tmp_path / "schemathesis.toml", "run", client.url + "/api/v1/openapi.json"),
                *("--phases", "coverage,fuzzing", "--max-examples", str(EXAMPLES), "--continue-on-failure"),
                *("--generation-deterministic", "--request-timeout", "300", "--suppress-health-check", "all"),
                *("--report", "json", "--report-json-path", tmp_path / "report.json"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        statuses = statuses_of(client.get("//metrics").text)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    cases = report["test_cases"]
    with capsys.disabled():
        print(f" {cases['generated']:,} requests to the API", end="")
    assert cases["generated"] >= 5_000
    assert (cases["with_failures"], cases["errored"]) == (0, 0)
    assert statuses >= {200, 400, 404, 405, 415}
    assert {status for status in statuses if status >= 500} <= {503}


def statuses_of(metrics: str) -> set[int]:
    """The statuses that the API has answered with."""
    return {
        int(sample.labels["status"])
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == "finsync_api_requests_total"
    }
