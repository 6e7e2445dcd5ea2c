"""Real source names with known truth: how many cells go to the right company, and how few to a wrong one."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest
from factories import source_names_frame
from resolving import SHARED_DATA, MakeReference

from finsync_pipeline.identity import Reference, resolve

pytestmark = pytest.mark.skipif(
    not (SHARED_DATA / "services" / "truth.parquet").exists(),
    reason="the real statements (../shared/data) are not beside the project",
)


def read_csv(file: Path) -> list[dict[str, str]]:
    content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def served_spellings() -> Iterator[tuple[str, int, str, date]]:
    """Of each row of the three services: service, row, source name of the company, period end."""
    folder = SHARED_DATA / "services"
    for row in read_csv(folder / "pnl.csv.gz"):
        day = datetime.strptime(row["Period Ended"], "%B %d, %Y").date()
        yield "pnl", int(row["Row"]), row["Company Name"], day
    for row in read_csv(folder / "balance_sheet.csv.gz"):
        day = date.fromisoformat(row["fiscalDateEnding"])
        yield "balance_sheet", int(row["id"].removeprefix("bs-")), row["symbolOrCik"], day
    with gzip.open(folder / "cash_flow.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            day = datetime.strptime(record["asOf"], "%m/%d/%Y").date()
            yield "cash_flow", record["rec"], record["company"], day


def sec_reference(make_reference: MakeReference) -> Reference:
    """The filers as a user would list them: names and tickers of the SEC, former names as undated aliases."""
    filers = read_csv(SHARED_DATA / "companies.csv")
    companies = [
        {
            "company_id": filer["cik"],
            "name": filer["edgar_name"],
            "tickers": "|".join(filter(None, (filer["ticker_2017"], filer["ticker_2026"]))),
            "cik": filer["cik"],
            "country": filer["country"],
        }
        for filer in filers
    ]
    aliases = [{"company_id": f["cik"], "alias": f["former_name"]} for f in filers if f["former_name"]]
    return make_reference(companies, aliases)


def test_cells_of_the_three_services_go_to_the_right_company(make_reference: MakeReference) -> None:
    truth = pd.read_parquet(SHARED_DATA / "services" / "truth.parquet", columns=["service", "row", "cik"])
    cells = Counter(zip(truth["service"].astype(str), truth["row"], truth["cik"].astype(str), strict=True))
    served = {(service, row): (source_name, day) for service, row, source_name, day in served_spellings()}
    asked = source_names_frame((source_name, day, None) for source_name, day in dict.fromkeys(served.values()))
    decisions = resolve(asked, sec_reference(make_reference))
    decided = dict(
        zip(
            zip(decisions["source_name"], decisions["period_end"], strict=True),
            decisions["company_id"].astype(object).where(decisions["company_id"].notna(), None),
            strict=True,
        )
    )
    count = Counter[str]()
    for (service, row, cik), weight in cells.items():
        company_id = decided[served[service, row]]
        count["open" if company_id is None else "right" if company_id == cik else "wrong"] += weight
    assert count.total() == 103_553
    assert count["right"] / count.total() >= 0.9895
    assert count["wrong"] <= 9


@pytest.fixture(scope="module")
def constituents() -> list[tuple[str, str]]:
    """S&P 500 names with the CIK of the company."""
    rows = read_csv(SHARED_DATA / "identity" / "sp500_constituents.csv")
    return [(row["Security"], row["CIK"].lstrip("0")) for row in rows]


def sec_filers() -> dict[str, dict[str, str]]:
    rows = pd.read_parquet(SHARED_DATA / "identity" / "sec_company_tickers.parquet")
    filers: dict[str, dict[str, str]] = {}
    for cik, ticker, name in zip(rows["cik"].str.lstrip("0"), rows["ticker"], rows["name"], strict=True):
        filer = filers.setdefault(cik, {"company_id": cik, "cik": cik, "name": name, "tickers": ticker})
        if ticker not in filer["tickers"].split("|"):
            filer["tickers"] += f"|{ticker}"
    return filers


def ask(reference: Reference, names: list[str]) -> list[str | None]:
    decisions = resolve(source_names_frame((name, "2026-01-01", None) for name in names), reference)
    return [None if pd.isna(company_id) else company_id for company_id in decisions["company_id"]]


def test_names_of_one_list_are_found_in_another(
    make_reference: MakeReference, constituents: list[tuple[str, str]]
) -> None:
    filers = sec_filers()
    listed = [(name, cik) for name, cik in constituents if cik in filers]
    answers = ask(make_reference(filers.values()), [name for name, _ in listed])
    right = [company_id == cik for company_id, (_, cik) in zip(answers, listed, strict=True)]
    wrong = [(name, a) for (name, cik), a in zip(listed, answers, strict=True) if a not in (None, cik)]
    assert wrong == []
    assert sum(right) / len(listed) >= 0.96


def test_names_of_companies_that_are_not_listed_are_not_accepted(
    make_reference: MakeReference, constituents: list[tuple[str, str]]
) -> None:
    filers = sec_filers()
    removed = [(name, cik) for name, cik in constituents if cik in filers]
    rest = [filer for cik, filer in filers.items() if cik not in {cik for _, cik in removed}]
    answers = ask(make_reference(rest), [name for name, _ in removed])
    accepted = [(name, a) for (name, _), a in zip(removed, answers, strict=True) if a is not None]
    assert accepted == []
