"""Truth: every fact of the main job over real statements, compared with the true cell that it was made of.

The list of companies is what a user would have: names, former names, tickers and CIKs. `review.csv` holds what a person
decided after looking at what was rejected: renames, successors, short names. `dated_aliases.csv` has nearly the same as
aliases of the list.
"""

import csv
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pandas as pd

from benchmarks.figure import Figure

ALIASES = Path(__file__).parent / "dated_aliases.csv"
REVIEW = Path(__file__).parent / "review.csv"
MOST_LINES = 70
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
KEY_PREFIX = {"pnl": "", "balance_sheet": "bs-", "cash_flow": ""}


@dataclass(frozen=True)
class Comparison:
    """True cells, counted by what became of them."""

    cells: int
    right: int
    wrong_company: int
    wrong_value: int
    wrong_period_or_length: int
    rejected: int

    @property
    def lost(self) -> int:
        """Cells that are neither used nor rejected: there must be none."""
        accounted = self.right + self.wrong_company + self.wrong_value + self.wrong_period_or_length + self.rejected
        return self.cells - accounted


def missing() -> str | None:
    """What this part needs and is not here."""
    return None if SHARED.is_dir() else "the real statements beside the project (../shared/data)"


def figures(shared: Path = SHARED) -> list[Figure]:
    """Run the main job twice, by the list alone and with the review file, and compare every cell."""
    made = []
    for name, review, right, wrong in (("list alone", None, 98.95, 0.007), ("with the review", REVIEW, 99.95, 0.0)):
        with tempfile.TemporaryDirectory() as folder:
            release = run_main_job(shared, Path(folder), with_aliases=False, review=review)
            result = compare(release, shared)
            differing = differing_summaries(release, shared)
        share = 100 / result.cells
        made += [
            Figure(f"truth, {name}: cells right", result.right * share, ">=", right, "%"),
            Figure(f"truth, {name}: cells under a wrong company", result.wrong_company * share, "<=", wrong, "%"),
            Figure(f"truth, {name}: cells with a wrong value or sign", result.wrong_value, "=", 0),
            Figure(f"truth, {name}: cells with a wrong period or length", result.wrong_period_or_length, "=", 0),
            Figure(f"truth, {name}: cells neither used nor rejected", result.lost, "=", 0),
        ]
        if review:
            made.append(Figure(f"truth, {name}: summary cells that differ", differing, "=", 0))
    lines = len(REVIEW.read_text(encoding="utf-8").splitlines()) - 1
    made.append(Figure("truth: lines of the review", lines, "<=", MOST_LINES))
    return made


def run_main_job(shared: Path, folder: Path, with_aliases: bool, review: Path | None = None) -> Path:
    """The folder of the release that the main job makes of the real statements."""
    write_reference(shared, folder / "reference", with_aliases)
    with _services(shared / "services") as urls:
        environment = {
            **{name: value for name, value in os.environ.items() if name != "FINSYNC_REVIEW"},
            **{f"FINSYNC_{name.upper()}_URL": url for name, url in urls.items()},
            "FINSYNC_HOME": str(folder / "home"),
            "DAGSTER_HOME": str(folder / "home" / "dagster"),
            "FINSYNC_REFERENCE": str(folder / "reference"),
        }
        if review is not None:
            environment["FINSYNC_REVIEW"] = str(review)
        command = [sys.executable, "-m", "finsync_pipeline", "run"]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the main job failed:\n{done.stdout}{done.stderr}")
    return folder / "home" / "published" / "current"


def write_reference(shared: Path, folder: Path, with_aliases: bool) -> None:
    """The list of companies as a user has it, from the filers; the dated aliases after it if wanted."""
    folder.mkdir(parents=True)
    with (shared / "companies.csv").open(newline="", encoding="utf-8") as file:
        filers = list(csv.DictReader(file))
    with (folder / "companies.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["company_id", "name", "tickers", "cik", "country"])
        for filer in filers:
            tickers = dict.fromkeys(filter(None, (filer["ticker_2017"], filer["ticker_2026"])))
            writer.writerow([filer["cik"], filer["edgar_name"], "|".join(tickers), filer["cik"], filer["country"]])
    with (folder / "aliases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["company_id", "alias", "kind", "valid_from", "valid_to", "note"])
        for filer in filers:
            if filer["former_name"]:
                writer.writerow([filer["cik"], filer["former_name"], "name", "", "", "former name"])
        if with_aliases:
            with ALIASES.open(newline="", encoding="utf-8") as added:
                writer.writerows(list(csv.reader(added))[1:])


def compare(release: Path, shared: Path) -> Comparison:
    """Every true cell against the fact of its row and item, to the rounding of its source."""
    cells = true_cells(shared).merge(
        pd.read_parquet(release / "facts.parquet"),
        how="left",
        on=["source", "row_key", "item"],
        suffixes=("_true", ""),
    )
    rejects = pd.read_parquet(release / "rejects.parquet")
    rows = set(zip(*rejects.loc[rejects["item"].isna(), ["source", "row_key"]].to_numpy().T, strict=True))
    singles = set(zip(*rejects.loc[rejects["item"].notna(), ["source", "row_key", "item"]].to_numpy().T, strict=True))
    is_rejected = [
        (source, key) in rows or (source, key, item) in singles
        for source, key, item in zip(cells["source"], cells["row_key"], cells["item"], strict=True)
    ]
    used = cells["value"].notna()
    company = used & (cells["company_id"] == cells["company_id_true"])
    near = (cells["value"] - cells["value_true"]).abs() <= cells["rounding"]
    when = (pd.to_datetime(cells["period_end"]) == cells["period_end_true"]) & (cells["months"] == cells["months_true"])
    return Comparison(
        cells=len(cells),
        right=int((company & near & when).sum()),
        wrong_company=int((used & ~company).sum()),
        wrong_value=int((company & ~near).sum()),
        wrong_period_or_length=int((company & near & ~when).sum()),
        rejected=int((~used & pd.Series(is_rejected, index=cells.index)).sum()),
    )


def true_cells(shared: Path) -> pd.DataFrame:
    """The true cells: source, row_key, item, company_id, period_end, months, value, rounding (half a unit)."""
    truth = pd.read_parquet(shared / "services" / "truth.parquet")
    source = truth["service"].astype(str)
    per_share = truth["item"].astype(str).str.startswith("eps_")
    half_a_unit = source.map({"pnl": 500.0, "balance_sheet": 0.0, "cash_flow": 500.0})
    return pd.DataFrame(
        {
            "source": source,
            "row_key": source.map(KEY_PREFIX) + truth["row"].astype(str),
            "item": truth["item"].astype(str),
            "company_id": truth["cik"].astype(str),
            "period_end": truth["period_end"],
            "months": truth["quarters"] * 3,
            "value": truth["value"],
            "rounding": half_a_unit.mask(per_share, 0.005) + 1e-9,
        }
    )


def differing_summaries(release: Path, shared: Path) -> int:
    """Cells of the summary that differ from one worked out from the true cells, in plain Python.

    Rejected and withheld cells are left out of both. Means are compared to the coarsest rounding of a source.
    """
    facts = published_facts(release)[["source", "row_key", "item"]]
    expected = _summary_of(true_cells(shared).merge(facts, on=["source", "row_key", "item"]))
    summary = pd.read_parquet(release / "company_summary.parquet").set_index("company_id")
    items = [name.removesuffix("_n") for name in summary.columns if name.endswith("_n")]
    differing = 0
    for company, row in summary.iterrows():
        for item in items:
            mean, count, first, last = expected.pop((company, item), (None, 0, None, None))
            rounding = 0.005 if item.startswith("eps_") else 500.0
            same = row[f"{item}_n"] == count and (count == 0 or abs(row[item] - float(mean)) <= rounding + 1e-6)
            same &= count == 0 or (row[f"{item}_first"] == first and row[f"{item}_last"] == last)
            differing += not same
    return differing + len(expected)


def published_facts(release: Path) -> pd.DataFrame:
    """The facts of the release that a published value was made of: not those of withheld cells, nor of a culprit."""
    keys = ["company_id", "item", "period_end", "months", "currency"]
    cells = pd.read_parquet(release / "agreement.parquet")[[*keys, "is_withheld", "culprit"]]
    facts = pd.read_parquet(release / "facts.parquet").merge(cells, on=keys)
    culprits = facts["culprit"].fillna("").str.split("|")
    is_culprit = [source in named for source, named in zip(facts["source"], culprits, strict=True)]
    return facts[~facts["is_withheld"].astype(bool) & ~pd.Series(is_culprit, index=facts.index)]


def _summary_of(cells: pd.DataFrame) -> dict[tuple[str, str], tuple[Decimal, int, object, object]]:
    """(company, item) -> mean over annual periods of the means over sources, number, first and last period."""
    by_source: dict[tuple[str, str, object, int], list[Decimal]] = {}
    annual: dict[str, set[object]] = {}
    for cell in cells.itertuples():
        day = cell.period_end.date()
        by_source.setdefault((cell.company_id, cell.item, day, cell.months), []).append(Decimal(repr(cell.value)))
        if cell.months == 12:
            annual.setdefault(cell.company_id, set()).add(day)
    by_period: dict[tuple[str, str], dict[object, Decimal]] = {}
    for (company, item, day, months), values in by_source.items():
        if months == 12 or (months == 0 and day in annual.get(company, ())):
            by_period.setdefault((company, item), {})[day] = _mean(values)
    return {
        key: (_mean(list(values.values())), len(values), min(values), max(values)) for key, values in by_period.items()
    }


def _mean(values: list[Decimal]) -> Decimal:
    return (sum(values, Decimal(0)) / len(values)).quantize(Decimal("0.000001"), ROUND_HALF_EVEN)


@contextmanager
def _services(data: Path) -> Iterator[dict[str, str]]:
    """The source services over the folder, on free ports: name -> url."""
    command = [sys.executable, "-m", "source_services", "--data", str(data), "--base-port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline().split() for _ in KEY_PREFIX]
        yield {line[0]: line[1] for line in lines}
    finally:
        process.terminate()
        process.wait(timeout=20)
