"""The main job on small statements: three services, a list of companies, and the `finsync` command."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from local_services import answering_services, running_services
from shared_fixtures import made_once

from finsync_pipeline.cli import main
from finsync_pipeline.cli.setup import setup
from finsync_pipeline.clients import source_service
from finsync_pipeline.clients.http import RetryPolicy

PNL = """\
Row,Company Name,Period Ended,Months,Units,Total Revenue,Cost of Goods Sold,Gross Profit,R&D Expense,SG&A,\
Operating Expenses,Operating Profit (EBIT),Interest Expense,Profit Before Tax,Income Taxes,Net Profit,Diluted EPS
1,Acme Corporation,"September 30, 2009",12,USD thousands,"1,000","(400)",,,,,,,,,"100",1.5
2,ACME CORP,"December 31, 2009",12,USD thousands,"2,000","(900)",,,,,,,,,"(50)",-0.5
3,Globex,"December 31, 2009",12,USD thousands,"7,000",,,,,,,,,,n/m,2.5
4,Initech,"December 31, 2009",12,USD thousands,"9,000",,,,,,,,,,,
5,Globex,some day,12,USD thousands,"8,000",,,,,,,,,,,
"""
BALANCE_SHEET = """\
id,symbolOrCik,fiscalDateEnding,reportedCurrency,cashAndCashEquivalents,accountsReceivable,inventories,\
totalCurrentAssets,ppeNet,goodwill,intangibleAssetsNet,totalAssets,accountPayables,shortTermDebt,\
totalCurrentLiabilities,longTermDebt,totalLiabilities,commonStock,retainedEarningsAccumulatedDeficit,\
totalStockholdersEquity,nonControllingInterest,totalEquity,totalLiabilitiesAndEquity
bs-1,ACME,2009-12-31,USD,500000,None,None,None,None,None,None,3000000,None,None,None,None,None,None,None,None,None,None,None
bs-2,0000000222,2009-12-31,USD,70,None,None,None,None,None,None,90,None,None,None,None,None,None,None,None,None,None,None
"""
LINES = (
    "Net income", "Depreciation and amortisation", "Stock based compensation", "Deferred taxes",
    "Change in working capital", "Net cash from operating activities", "Capital expenditures",
    "Net cash used in investing", "Dividends paid", "Proceeds from debt", "Repayment of debt", "Stock issued",
    "Stock repurchased", "Net cash from financing", "Exchange rate effect", "Change in cash",
    "Cash at beginning of period", "Cash at end of period",
)  # fmt: skip
NO_LINES: dict[str, float | None] = dict.fromkeys(LINES)
CASH_FLOW = [
    {"rec": 1, "company": "ACME", "asOf": "12/31/2009", "quarters": 4, "unit": "USD millions",
     "lines": {**NO_LINES, "Net income": -0.06, "Capital expenditures": -0.25}},
    {"rec": 2, "company": "GLBX", "asOf": "12/31/2009", "quarters": 4, "unit": "USD millions",
     "lines": {**NO_LINES, "Net income": 4.5}},
]  # fmt: skip
COMPANIES = "company_id,name,tickers,cik\nA1,Acme Corp,ACME,111\nG1,Globex Inc,GLBX,222\n"


NOBODY_LISTENS = "http://127.0.0.1:9"


@dataclass
class Deployment:
    """A folder of source data, a home, and the command over them."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch

    @property
    def data(self) -> Path:
        """What the services serve."""
        return self.folder / "data"

    @property
    def home(self) -> Path:
        """Where FinSync writes."""
        return self.folder / "home"

    @property
    def published(self) -> Path:
        """Where the releases lie."""
        return self.home / "published"

    def use(self, urls: dict[str, str]) -> None:
        """Point the sources to these services."""
        for name, url in urls.items():
            self.monkeypatch.setenv(f"FINSYNC_{name.upper()}_URL", url)

    def finsync(self, *arguments: str) -> int:
        """Run the command in this process; its exit code."""
        return main(list(arguments))

    def manifest(self) -> dict[str, Any]:
        """What the current release says of itself."""
        return json.loads((self.published / "current" / "manifest.json").read_text())

    def csv(self) -> bytes:
        """The body of the current release's CSV."""
        return (self.published / "current" / self.manifest()["csv"]).read_bytes()

    def table(self, name: str) -> pd.DataFrame:
        """A table of the current release."""
        return pd.read_parquet(self.published / "current" / f"{name}.parquet")


def write_sources(data: Path) -> None:
    """Write the small statements of the three sources."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "pnl.csv").write_text(PNL)
    (data / "balance_sheet.csv").write_text(BALANCE_SHEET)
    (data / "cash_flow.jsonl").write_text("".join(json.dumps(row) + "\n" for row in CASH_FLOW))


def deploy(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment in the folder over the small statements; its services do not run yet."""
    made = Deployment(folder, monkeypatch)
    write_sources(made.data)
    (folder / "companies.csv").write_text(COMPANIES)
    monkeypatch.chdir(folder)
    for name in [name for name in os.environ if name.startswith(("FINSYNC_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FINSYNC_HOME", str(made.home))
    monkeypatch.setenv("DAGSTER_HOME", str(made.home / "dagster"))
    monkeypatch.setenv("FINSYNC_REFERENCE", str(folder / "companies.csv"))
    # As many attempts as ever, but not seconds between them: tests/clients has what tells of the pauses
    monkeypatch.setattr(source_service, "RetryPolicy", partial(RetryPolicy, backoff=0.01))
    setup()
    made.use(dict.fromkeys(("pnl", "balance_sheet", "cash_flow"), NOBODY_LISTENS))
    return made


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment whose services do not run."""
    return deploy(tmp_path, monkeypatch)


@pytest.fixture
def running(deployment: Deployment) -> Iterator[Deployment]:
    """A deployment whose three services run."""
    with answering_services(deployment.data) as urls:
        deployment.use(urls)
        yield deployment


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """A deployment after one run over everything, to be looked at and not changed."""
    return Deployment(made_once(tmp_path_factory, "released", _release), pytest.MonkeyPatch())


def _release(folder: Path) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        made = deploy(folder, monkeypatch)
        with running_services(made.data) as urls:
            made.use(urls)
            assert made.finsync("run") == 0


@pytest.fixture
def worked(released: Deployment, deployment: Deployment) -> Deployment:
    """A deployment of the test's own after that same run; its services do not run."""
    shutil.copytree(released.home, deployment.home, symlinks=True, dirs_exist_ok=True)
    return deployment


@pytest.fixture
def again(worked: Deployment) -> Iterator[Deployment]:
    """The deployment after a run, with its three services."""
    with answering_services(worked.data) as urls:
        worked.use(urls)
        yield worked
