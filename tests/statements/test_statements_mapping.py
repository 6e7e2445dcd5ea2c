"""What a source may declare of itself, and how a mistake in it is told."""

import json
from typing import Any

import pytest
from factories import MINIMAL, mapping_of
from pydantic import ValidationError

from finsync_pipeline.statements.mapping import CurrencyColumn, LengthColumn, ScaleColumn, SourceMapping


def mistakes(**parts: Any) -> list[str]:
    """`field: what is told of it` for each mistake in the declaration."""
    with pytest.raises(ValidationError) as raised:
        mapping_of(**parts)
    return [".".join(map(str, line["loc"])) + ": " + line["msg"] for line in raised.value.errors()]


DATASETTE = {"kind": "datasette", "database": "fin"}
MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"currancy": "USD"}, "currancy", "did you mean currency?"),
    ({"zzz": 1}, "zzz", "there are name, url, table, row_key"),
    ({"numbers": {"thousand": ","}}, "numbers.thousand", "did you mean thousands?"),
    ({"months": {"column": "m", "units": "quarters"}}, "months.units", "did you mean unit?"),
    ({"currency": {"column": "u", "value": {}}}, "currency.value", "did you mean values?"),
    ({"currency": {"column": "u", "spelling": {}}}, "currency.spelling", "did you mean values?"),
    ({"currency": {"column": "u", "spellings": {}}}, "currency.spellings", "write values"),
    ({"scale": {"column": "u", "spellings": {"m": "millions"}}}, "scale.spellings", "write values"),
    ({"company": {"column": "c", "evidence": {"name": "n"}}}, "company.evidence", "write supporting_columns"),
    ({"items": {"revenu": "sales"}}, "items.revenu", "did you mean revenue"),
    ({"items": {"qqqqqq": "sales"}}, "items.qqqqqq", "statements/items.csv lists them"),
    ({"items": {}}, "items", "name at least one"),
    ({"items": ["revenue"]}, "items", "keys with values"),
    ({"items": {"revenue": None}}, "items.revenue", "name of a column, or keys (column, sign"),
    ({"items": {"revenue": "s", "net_income": "s"}}, "items.net_income", "already serves revenue"),
    ({"items": {"revenue": {"column": "s", "sign": 2}}}, "items.revenue.sign", "use 1 or -1"),
    ({"items": {"revenue": {"column": "s", "sign": "-"}}}, "items.revenue.sign", "use 1 or -1"),
    ({"items": {"revenue": {"column": "s", "scale": "k"}}}, "items.revenue.scale", "thousands, millions"),
    ({"items": {"revenue": "finsync_x"}}, "'finsync_x'", "serve it renamed"),
    ({"row_key": "FinSync_key"}, "'FinSync_key'", "serve it renamed"),
    ({"row_key": "Sales"}, "'Sales' and 'sales'", "serve one of them renamed"),
    ({"months": None}, "months", "declare its length"),
    ({"months": 7}, "months", "use 3, 6, 9, 12"),
    ({"months": "12"}, "months", "use 3, 6, 9, 12"),
    ({"months": {"column": "m", "unit": "years"}}, "months.unit", "use 'months' or 'quarters'"),
    ({"months": {"column": "m", "values": {"FY": 52}}}, "months.values.FY", "use 3, 6, 9, 12"),
    ({"scale": "thousand"}, "scale", "ones, thousands, millions, billions"),
    ({"scale": 1024}, "scale", "a power of ten such as 1000"),
    ({"scale": 0}, "scale", "a power of ten such as 1000"),
    ({"scale": True}, "scale", "a power of ten such as 1000"),
    ({"scale": 10**400}, "scale", "a power of ten such as 1000"),
    ({"scale": {"column": "u"}}, "scale.values", "declare it"),
    ({"scale": {"column": "u", "values": {"m": "mn"}}}, "scale.values.m", "millions"),
    ({"currency": "usd"}, "currency", "three capital letters"),
    ({"currency": 840}, "currency", "three capital letters"),
    ({"currency": {"column": "u", "values": {"$": "dollar"}}}, "currency.values.$", "such as USD"),
    ({"currency": {"column": 1}}, "currency.column", "write a text, in quotes"),
    ({"period_end": {"column": "d", "formats": ["%d.%m"]}}, "period_end.formats.0", "for year, month"),
    ({"period_end": {"column": "d", "formats": ["%Y-%m"]}}, "period_end.formats.0", "for year, month"),
    ({"period_end": {"column": "d", "formats": ["%Y"]}}, "period_end", "year_end: 12-31"),
    ({"period_end": {"column": "d", "formats": ["%Y-%m-%d", "FY%y"]}}, "period_end", "declare year_end"),
    ({"period_end": {"column": "d", "formats": ["%Y"], "year_end": "12-32"}}, "period_end.year_end", "as 12-31"),
    ({"period_end": {"column": "d", "formats": ["%Y"], "year_end": "31.12"}}, "period_end.year_end", "as 12-31"),
    ({"period_end": {"column": "d", "formats": ["%Y"], "year_end": 12}}, "period_end.year_end", "in quotes"),
    ({"period_end": {"column": "d", "formats": ["%Y-%U"], "year_end": "12-31"}}, "period_end.formats.0", "for year,"),
    ({"period_end": {"column": "d", "year_end": "12-31"}}, "period_end", "take it out"),
    ({"known_since": {"column": "d", "formats": ["%Y"]}}, "known_since.formats.0", "for year, month"),
    ({"period_end": {"column": "d", "formats": ["%F"]}}, "period_end.formats.0", "strptime's letters"),
    ({"period_end": {"column": "d", "formats": ["yyyy-mm-dd"]}}, "period_end.formats.0", "as %Y-%m-%d"),
    ({"period_end": {"column": "d", "formats": "%Y-%m-%d"}}, "period_end.formats", "write it in [ ]"),
    ({"period_end": {"column": "d", "formats": []}}, "period_end.formats", "name at least one"),
    ({"period_end": {"column": "d", "snap_days": 16}}, "period_end.snap_days", "less than or equal"),
    ({"known_since": {"column": "d", "formats": ["x"]}}, "known_since.formats.0", "as %Y-%m-%d"),
    ({"numbers": {"thousands": ",", "decimal": ","}}, "numbers", "they must differ"),
    ({"numbers": {"decimal": "-"}}, "numbers", "cannot stand inside a number"),
    ({"numbers": {"thousands": "\u2212"}}, "numbers", "cannot stand inside a number"),
    ({"numbers": {"thousands": "0"}}, "numbers", "cannot stand inside a number"),
    ({"numbers": {"decimal": ".,"}}, "numbers.decimal", "at most 1 character"),
    ({"numbers": ","}, "numbers", "write keys (thousands, decimal"),
    ({"url": "ftp://host"}, "url", "write it like http://127.0.0.1:5001"),
    ({"url": "127.0.0.1:5001"}, "url", "write it like http://127.0.0.1:5001"),
    ({"name": "P&L"}, "name", "such as balance_sheet"),
    ({"name": "1st"}, "name", "such as balance_sheet"),
    ({"company": None}, "company", "the name of a column, or keys (column, kind, supporting_columns)"),
    ({"company": ["a"]}, "company", "the name of a column, or keys (column, kind, supporting_columns)"),
    ({"company": {"column": "c", "kind": "tickers"}}, "company.kind", "use 'ticker', 'cik', 'lei', 'isin', 'cusip',"),
    ({"company": {"column": "c", "kind": "Ticker"}}, "company.kind", "'name' or 'id'"),
    ({"company": {"column": "c", "kind": ["ticker", "cik"]}}, "company.kind", "use 'ticker', 'cik'"),
    ({"company": {"column": "c", "kinds": "ticker"}}, "company.kinds", "did you mean kind?"),
    ({"row_key": None}, "row_key", "write a text"),
    ({"row_key": ""}, "row_key", "name at least one"),
    ({"table": 5}, "table", "in quotes"),
    ({"connection": {"kind": "datasete"}}, "connection.kind", "use 'finsync' or 'datasette'"),
    ({"connection": {"database": "d"}}, "connection.kind", "declare it, such as kind: datasette"),
    ({"connection": {"kind": "datasette"}}, "connection.database", "declare it: name of the database"),
    ({"connection": {"kind": "datasette", "database": ""}}, "connection.database", "name at least one"),
    ({"connection": {"kind": "datasette", "database": 5}}, "connection.database", "in quotes"),
    ({"connection": {"kind": "finsync", "database": "d"}}, "connection.database", "no such key; there are kind"),
    ({"connection": "datasette"}, "connection", "write keys with values"),
    ({"connection": DATASETTE, "url": "http://host/fin"}, "url", "ends with the database 'fin', which connection"),
    ({"connection": DATASETTE, "url": "http://host/fin.json?sql=x"}, "url", "has a query or a fragment"),
]


@pytest.mark.parametrize(("parts", "field", "cure"), MISTAKES)
def test_a_mistake_is_reported_once_with_its_field_and_the_fix(parts: dict[str, Any], field: str, cure: str) -> None:
    (told,) = mistakes(**parts)
    assert field in told.split(" is ")[0]
    assert cure in told
    assert "Input should be a valid" not in told


@pytest.mark.parametrize("field", sorted(set(MINIMAL) - {"months"}))
def test_a_missing_part_is_named(field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        SourceMapping(**{key: value for key, value in MINIMAL.items() if key != field})
    (line,) = raised.value.errors()
    assert line["loc"] == (field,)
    assert "missing; declare it: " in line["msg"]


def test_all_mistakes_are_reported_together() -> None:
    told = mistakes(currency="usd", months=7, items={"revenue": {"column": "s", "sign": 3}})
    assert [line.split(":")[0] for line in told] == ["months", "currency", "items.revenue.sign"]


def test_a_length_is_not_needed_where_nothing_is_measured_over_a_period() -> None:
    assert mapping_of(months=None, items={"cash": "cash", "sector": "sector"}).months is None


def test_a_column_may_be_declared_by_its_name_alone() -> None:
    short = mapping_of(company="who", period_end="ends", known_since="filed", items={"revenue": "sales"})
    long = mapping_of(
        company={"column": "who"},
        period_end={"column": "ends", "formats": ["%Y-%m-%d"], "snap_days": 7},
        known_since={"column": "filed"},
        items={"revenue": {"column": "sales", "sign": 1}},
    )
    assert short == long
    assert short.hash == long.hash


@pytest.mark.parametrize(
    ("scale", "power"),
    [
        ("ones", 0),
        ("thousands", 3),
        ("millions", 6),
        ("billions", 9),
        (1, 0),
        (1000, 3),
        (1000.0, 3),
        (10**6, 6),
        (0.01, -2),
        (0.001, -3),
        (0.000001, -6),
    ],
)
def test_a_scale_is_kept_as_its_power_of_ten(scale: str | float, power: int) -> None:
    mapping = mapping_of(scale=scale, items={"revenue": {"column": "sales", "scale": scale}})
    assert (mapping.scale, mapping.items["revenue"].scale) == (power, power)


@pytest.mark.parametrize(
    ("declared", "text", "months"),
    [
        ({}, "12", 12),
        ({}, " 3 ", 3),
        ({}, "6.0", 6),
        ({}, "4", None),
        ({}, "0", None),
        ({}, "12 months", None),
        ({}, "١٢", None),
        ({}, "-3", None),
        ({}, "", None),
        ({"unit": "quarters"}, "4", 12),
        ({"unit": "quarters"}, "3", 9),
        ({"unit": "quarters"}, "5", None),
        ({"values": {"FY": 12}}, "FY", 12),
        ({"values": {"FY": 12}}, "fy", None),
        ({"values": {"FY": 12}}, "12", None),
    ],
)
def test_a_length_is_one_of_four_or_unknown(declared: dict[str, Any], text: str, months: int | None) -> None:
    assert LengthColumn(column="m", **declared).read(text) == months


@pytest.mark.parametrize(
    ("values", "text", "code"),
    [
        (None, "USD", "USD"),
        (None, " EUR ", "EUR"),
        (None, "eur", None),
        (None, "GBp", None),
        (None, "TBD", None),
        (None, "DEM", "DEM"),
        (None, "US$", None),
        (None, "dollars", None),
        (None, "", None),
        ({"$": "USD"}, "$", "USD"),
        ({"$": "USD"}, "USD", None),
    ],
)
def test_a_currency_is_a_code_or_a_declared_value(values: dict[str, str] | None, text: str, code: str | None) -> None:
    assert CurrencyColumn(column="c", values=values).read(text) == code


def test_a_unit_is_a_declared_value() -> None:
    scale = ScaleColumn(column="u", values={"mn": "millions", "k": 1000})
    assert [scale.read(text) for text in ("mn", " k ", "MN", "")] == [6, 3, None, None]


def test_columns_are_named_once_in_the_order_in_which_they_are_asked_for() -> None:
    mapping = mapping_of(
        row_key="key",
        company={"column": "code", "supporting_columns": {"name": "who", "country": "land"}},
        period_end="ends",
        months={"column": "length"},
        currency={"column": "unit"},
        scale={"column": "unit", "values": {"USD": 0.01}},
        known_since="filed",
        items={"net_income": "profit", "revenue": "sales", "sector": "land"},
    )
    named = ["key", "code", "who", "land", "ends", "length", "unit", "filed", "profit", "sales"]
    assert mapping.columns == named
    assert mapping.item_of_column == {"profit": "net_income", "sales": "revenue", "land": "sector"}


@pytest.mark.parametrize(
    "parts",
    [
        {"currency": "EUR"},
        {"months": 3},
        {"scale": 1000},
        {"items": {"revenue": "turnover"}},
        {"items": {"revenue": {"column": "sales", "sign": -1}}},
        {"numbers": {"thousands": ","}},
        {"numbers": {"null_words": ["n/a"]}},
        {"period_end": {"column": "ends", "snap_days": 1}},
        {"period_end": {"column": "ends", "formats": ["%Y"], "year_end": "12-31"}},
        {"known_since": "filed"},
        {"company": {"column": "who", "supporting_columns": {"name": "n"}}},
        {"company": {"column": "who", "kind": "ticker"}},
    ],
)
def test_the_hash_changes_with_what_the_mapping_declares(parts: dict[str, Any]) -> None:
    assert mapping_of(**parts).hash != mapping_of().hash


def test_the_hash_does_not_change_with_the_place_of_the_service_its_kind_or_its_token() -> None:
    moved = mapping_of().at("https://elsewhere:9000/x", "/run/secrets/token")
    assert (moved.url, moved.token_file) == ("https://elsewhere:9000/x", "/run/secrets/token")
    assert moved.hash == mapping_of().hash == mapping_of(scale=1).hash == mapping_of(connection=DATASETTE).hash


def test_a_source_is_a_service_of_finsync_unless_it_declares_another() -> None:
    assert mapping_of().connection == mapping_of(connection={"kind": "finsync"}).connection
    assert mapping_of(connection=DATASETTE).connection.kind == "datasette"


@pytest.mark.parametrize("url", ["http://host", "http://host/", "http://host/fin/", "http://fin", "http://host/fins"])
def test_the_url_of_datasette_may_be_any_without_the_database_as_its_page(url: str) -> None:
    assert mapping_of(connection=DATASETTE).at(url).url == url
    with pytest.raises(ValueError, match="url: ends with the database 'fin'"):
        mapping_of(connection=DATASETTE).at(f"{url.rstrip('/')}/fin")


def test_a_mapping_moves_to_no_place_that_is_none() -> None:
    with pytest.raises(ValueError, match="url: 'nowhere' is not the address"):
        mapping_of(url="{{ env('URL') }}").at("nowhere")


SCALES = [
    {},
    {"scale": "thousands"},
    {"scale": 1e-5},
    {"scale": {"column": "unit", "values": {"USD m": "millions", "cents": 0.01}}, "currency": {"column": "money"}},
    {"items": {"revenue": {"column": "sales", "sign": -1, "scale": "billions"}}},
]


@pytest.mark.parametrize("parts", SCALES)
def test_the_content_of_a_mapping_is_read_as_the_same_mapping(parts):
    mapping = mapping_of(**parts)
    content = json.loads(json.dumps(mapping.content))
    again = SourceMapping.of_content(content)

    assert again.hash == mapping.hash
    assert again.content == mapping.content
    assert again.at(mapping.url) == mapping
    assert not {"url", "token_file", "connection"} & content.keys()


@pytest.mark.parametrize("exponent", range(-12, 13))
def test_the_content_has_every_power_of_ten(exponent):
    mapping = mapping_of(scale=float(f"1e{exponent}"))
    assert SourceMapping.of_content(json.loads(json.dumps(mapping.content))).scale == exponent
