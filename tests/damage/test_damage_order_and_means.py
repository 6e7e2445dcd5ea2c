"""A damaged file with its rows in another order makes the same tables, and their means are those of plain Python."""

import random
import tempfile
from collections import defaultdict
from dataclasses import replace
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from damage.chain import Passage, mapping_of_source, pass_through, rows_of, summarise
from damage.damages import FILES, Table, tables, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finsync_pipeline.errors import SourceInvalid
from finsync_pipeline.storage.parquet import write_frame
from source_services.errors import DataFileError

pytestmark = pytest.mark.long

Values = dict[tuple[Any, ...], list[Decimal]]


def passed(table: Table) -> Passage | str:
    """The passage of the table, or the kind of mistake for which it is refused whole."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILES[table.source]
        file.write_bytes(written(table))
        try:
            return pass_through(file, mapping_of_source(table.source))
        except (DataFileError, SourceInvalid) as error:
            return type(error).__name__


def tables_of(passage: Passage) -> dict[str, pd.DataFrame]:
    out = passage.out
    return {
        "inventory": passage.inventory.periods,
        "unassigned": passage.inventory.unassigned,
        "raw": passage.raw,
        "company_ids": passage.company_ids,
        "facts": out.facts,
        "texts": out.texts,
        "rejects": out.rejects,
        "ledger": passage.ledger,
    }


def parquet(frame: pd.DataFrame) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "table.parquet"
        write_frame(frame.reset_index(drop=True), file)
        return file.read_bytes()


@pytest.mark.parametrize("source", FILES)
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_order_of_rows_of_a_damaged_file_changes_no_byte(source: str, data: Any) -> None:
    table = data.draw(tables(source))
    rows = random.Random(len(table.rows)).sample(table.rows, len(table.rows))
    one, other = passed(table), passed(replace(table, rows=rows))
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    others = tables_of(other)
    for name, frame in tables_of(one).items():
        assert parquet(frame) == parquet(others[name]), name


def mean(values: list[Decimal]) -> float:
    """The mean of the values, each to six places, rounded half-even to six places."""
    with localcontext() as exact:
        exact.prec = 60
        whole = sum(value.quantize(Decimal("1e-6"), ROUND_HALF_EVEN) for value in values)
        return float((whole / len(values)).quantize(Decimal("1e-6"), ROUND_HALF_EVEN))


def means_by_hand(facts: list[dict[str, Any]]) -> tuple[dict[tuple[Any, ...], float], Values]:
    """The mean over sources by company, period, length, currency and item; the annual ones by company and item."""
    given_by: Values = defaultdict(list)
    for fact in facts:
        place = tuple(fact[name] for name in ("company_id", "period_end", "months", "currency", "item"))
        given_by[place].append(Decimal(repr(fact["value"])))
    means = {place: mean(values) for place, values in given_by.items()}
    annual = {(company, end, currency) for company, end, months, currency, _ in means if months == 12}
    averaged: Values = defaultdict(list)
    for (company, end, months, currency, item), value in means.items():
        if months == 12 or (months == 0 and (company, end, currency) in annual):
            averaged[company, currency, item].append(Decimal(repr(value)))
    return means, averaged


def assert_means_are_those_of_the_facts(passages: list[Passage], wide: pd.DataFrame, summary: pd.DataFrame) -> None:
    means, averaged = means_by_hand([fact for passage in passages for fact in rows_of(passage.out.facts)])
    items = [name.removesuffix("_n") for name in summary.columns if name.endswith("_n")]
    keys = ("company_id", "period_end", "months", "currency")
    found = {(*(line[key] for key in keys), item): line[item] for line in rows_of(wide) for item in items}
    assert {place: value for place, value in found.items() if value is not None} == means
    lines = {(line["company_id"], line["currency"]): line for line in rows_of(summary)}
    assert set(lines) == {(company, currency) for company, _, _, currency, _ in means}
    for (company, currency), line in lines.items():
        for item in items:
            values = averaged.get((company, currency, item), [])
            assert line[f"{item}_n"] == len(values)
            assert line[item] == (mean(values) if values else None), (company, currency, item)


@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.tuples(*[tables(source, shaped=True) for source in FILES]))
def test_means_of_damaged_files_are_those_of_the_facts_in_any_order_of_rows(three: tuple[Table, ...]) -> None:
    passages = [passage for table in three if not isinstance(passage := passed(table), str)]
    wide, summary = summarise(passages)
    assert_means_are_those_of_the_facts(passages, wide, summary)
    turned = [replace(passage, out=replace(passage.out, facts=passage.out.facts[::-1])) for passage in passages[::-1]]
    wide_turned, summary_turned = summarise(turned)
    assert parquet(wide_turned) == parquet(wide)
    assert parquet(summary_turned) == parquet(summary)
