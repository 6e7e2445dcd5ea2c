"""Values of the list that mean several companies: which are reported, and as what."""

from __future__ import annotations

import time

import pandas as pd
import pytest
from resolving import MakeReference

from finsync_pipeline.identity import Reference, read_reference
from finsync_pipeline.identity.collisions import collisions
from finsync_pipeline.settings import SAMPLE_REFERENCE

Rows = list[dict[str, str]]


def reported(reference: Reference) -> list[tuple[str, str, bool]]:
    return list(collisions(reference).itertuples(index=False, name=None))


A, B = {"company_id": "A1"}, {"company_id": "B1"}


@pytest.mark.parametrize(
    ("companies", "aliases", "wanted"),
    [
        (
            [{"company_id": "AB", "name": "Alpha Beta Corp", "tickers": "XYZ"}, {"company_id": "QQ", "tickers": "AB"}],
            [],
            ("AB", "id of AB (Alpha Beta Corp); ticker of QQ", False),
        ),
        ([{"company_id": "320193"}, B | {"cik": "0000320193"}], [], ("0000320193", "id of 320193; cik of B1", False)),
        (
            [{"company_id": "US02079K3059"}, B | {"isin": "US02079K1079|US02079K3059"}],
            [],
            ("US02079K3059", "isin of B1; id of US02079K3059", False),
        ),
        (
            [{"company_id": "HWUPKR0MPOU8FGXBT394"}, B | {"lei": "hwupkr0mpou8fgxbt394"}],
            [],
            ("HWUPKR0MPOU8FGXBT394", "lei of B1; id of HWUPKR0MPOU8FGXBT394", False),
        ),
        (
            [B | {"cusip": "02079K305"}, {"company_id": "02079K-305"}],
            [],
            ("02079K-305", "id of 02079K-305; cusip of B1", False),
        ),
        ([A | {"name": "Gap"}, B | {"tickers": "GAP"}], [], ("GAP", "name of A1 (Gap); ticker of B1", False)),
        ([A, {"company_id": "B1", "name": "a1"}], [], ("A1", "id of A1; name of B1 (a1)", False)),
        ([A | {"name": "Acme, Inc."}, B | {"name": "ACME INC"}], [], ("ACME INC", None, True)),
        ([A | {"tickers": "X|BRK.B"}, B | {"tickers": "BRK-B"}], [], ("BRK-B", "ticker of A1; ticker of B1", True)),
        ([A | {"cik": "7203"}, B | {"tickers": "7203"}], [], ("7203", "cik of A1; ticker of B1", False)),
        ([A | {"cik": "1|2"}, B | {"cik": "2"}], [], ("2", "cik of A1; cik of B1", True)),
        ([A, B | {"tickers": "ZZ"}], [A | {"alias": "zz", "kind": "ticker"}], ("ZZ", None, True)),
        ([A, B], [A | {"alias": "B1"}], ("B1", "name of A1; id of B1", False)),
    ],
)
def test_a_value_that_means_several_companies_is_reported_with_them(
    make_reference: MakeReference, companies: Rows, aliases: Rows, wanted: tuple[str, str | None, bool]
) -> None:
    [(value, claims, is_shared)] = reported(make_reference(companies, aliases))
    assert (value, is_shared) == (wanted[0], wanted[2])
    assert wanted[1] in (None, claims)


@pytest.mark.parametrize(
    "companies",
    [
        [A | {"name": "A1", "tickers": "A1"}, B],
        [{"company_id": "0000320193", "cik": "320193"}, B],
        [A | {"name": "PG&E Corp"}, B | {"name": "PGE Corp"}],
        [A | {"tickers": "T.PC"}, B | {"tickers": "TPC"}],
        [A | {"name": "&"}, B | {"name": "-"}, {"company_id": "C1", "name": "..."}, {"company_id": "D1", "name": "!"}],
    ],
)
def test_what_means_one_company_is_not_reported(make_reference: MakeReference, companies: Rows) -> None:
    assert reported(make_reference(companies)) == []


def test_dates_settle_what_a_value_means_unless_they_overlap(make_reference: MakeReference) -> None:
    old = A | {"alias": "JCI", "kind": "ticker", "valid_to": "2016-09-02"}
    new = B | {"alias": "JCI", "kind": "ticker", "valid_from": "2016-09-03"}

    assert reported(make_reference([A, B], [old, new])) == []
    assert reported(make_reference([A, B | {"tickers": "JCI"}], [old])) == []
    assert reported(make_reference([A, B], [old, new | {"valid_from": "2016-09-02"}])) == [
        ("JCI", "ticker of A1; ticker of B1", True)
    ]
    assert reported(make_reference([A, B], [old | {"valid_to": ""}, new | {"valid_from": ""}])) != []


def test_of_many_companies_of_a_value_some_are_named(make_reference: MakeReference) -> None:
    [(_, claims, _)] = reported(make_reference({"company_id": f"C{n}", "name": "Fund"} for n in range(9)))
    assert claims == "; ".join(f"name of C{n} (Fund)" for n in range(4)) + "; and 5 more"


def test_the_list_that_ships_has_none() -> None:
    assert reported(read_reference(SAMPLE_REFERENCE)) == []


def test_a_list_of_100_000_companies_takes_seconds(make_reference: MakeReference) -> None:
    few = make_reference([{"company_id": "1", "name": "x", "tickers": "y", "cik": "1", "lei": "", "isin": ""}])
    numbers = pd.Series(range(100_000)).astype(str)
    columns = {
        "company_id": "H-" + numbers,
        "name": ("Fund " + numbers).where(numbers.index % 2 == 0, "Fund"),
        "tickers": "T" + numbers,
        "cik": numbers,
    }
    many = few.companies.iloc[[0] * 100_000].reset_index(drop=True)
    many = many.assign(**{name: column.astype(many[name].dtype) for name, column in columns.items()})
    started = time.perf_counter()

    found = collisions(Reference(many, few.aliases))

    assert found["value"].tolist() == ["Fund"]
    assert time.perf_counter() - started < 20
