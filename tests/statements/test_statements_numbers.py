"""A text is one number in the source's own notation, exactly, or it is none."""

from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finsync_pipeline import frames
from finsync_pipeline.statements.mapping import Numbers
from finsync_pipeline.statements.numbers import number_parts_sql, number_sql


def read(texts: list[str], exponents: list[int] | int = 0, sign: int = 1, **notation: Any) -> list[float | None]:
    powers = [exponents] * len(texts) if isinstance(exponents, int) else exponents
    table = pa.table({"text": pa.array(texts, pa.string()), "exponent": pa.array(powers, pa.int64())})
    cells = frames.from_arrow(table.append_column("sign", pa.array([sign] * len(texts), pa.int64())))
    declared = Numbers(**notation)
    sql = number_sql(declared, "parts", "exponent", "sign")
    parts = f"(SELECT *, {number_parts_sql(declared, 'text')} AS parts FROM cells)"
    return frames.to_arrow(frames.query(f"SELECT {sql} AS value FROM {parts}", cells=cells))["value"].to_pylist()


def exact(text: str, power: int) -> float:
    return float(Decimal(text).scaleb(power, Context(prec=500)))


@pytest.mark.parametrize(
    ("notation", "text", "value"),
    [
        ({}, "1234", 1234.0),
        ({}, "+1234.50", 1234.5),
        ({}, "-1.5", -1.5),
        ({}, "\u22121.5", -1.5),
        ({}, ".85", 0.85),
        ({}, "5.", 5.0),
        ({}, "007", 7.0),
        ({}, "1.2e6", 1.2e6),
        ({}, "1.2E+06", 1.2e6),
        ({}, "-12e-1", -1.2),
        ({"thousands": ","}, "1,234,567.8", 1234567.8),
        ({"thousands": ","}, "1234567.8", 1234567.8),
        ({"thousands": ".", "decimal": ","}, "1.234.567,8", 1234567.8),
        ({"decimal": ","}, "12,34", 12.34),
        ({"thousands": " ", "decimal": ","}, "1 234,5", 1234.5),
        ({"thousands": "\u00a0", "decimal": ","}, "1\u00a0234,5", 1234.5),
        ({"thousands": "\u2009"}, "1\u2009234.5", 1234.5),
        ({"thousands": "'"}, "1'234'567.8", 1234567.8),
        ({"thousands": "_"}, "1_234", 1234.0),
        ({"brackets_are_negative": True}, "(5)", -5.0),
        ({"brackets_are_negative": True, "thousands": ","}, "(1,234.5)", -1234.5),
        ({"brackets_are_negative": True}, "(1e3)", -1000.0),
    ],
)
def test_a_number_is_read_in_its_notation(notation: dict[str, Any], text: str, value: float) -> None:
    assert read([text], **notation) == [value]


ENGLISH = {"thousands": ",", "brackets_are_negative": True}


NO_NUMBERS = [
    *("12,34", "1,2345", "1234,567", ",123", "1,,234", "1,234,", "1.234,5", "1'000", "1_000", "1.2.3"),
    *("(-5)", "(+5)", "5)", "(5", "()", "((5))", "(5)-", "( 5 )", "--5", "+-5", "5-", "- 5", "-", "+"),
    *(
        ".",
        ",",
        "e5",
        "1e",
        "1e5.5",
        "1e1234",
        "n/m",
        "n/a",
        "None",
        "TRUE",
        "0x10",
        "NaN",
        "inf",
        "-Infinity",
    ),
    *("", " ", "1 2", "1 234", "5\n", "1\u00a0234", "5%", "$5", "\u0661\u0662", "\uff11", "\u00bd"),
]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_not_a_number_in_its_notation_is_not_guessed(text: str) -> None:
    assert read([text], **ENGLISH) == [None]


def test_brackets_are_rejected_where_they_are_not_declared_negative() -> None:
    assert read(["(5)", "(5", "5)"]) == [None, None, None]


def test_the_decimal_point_is_rejected_where_the_mark_is_a_comma() -> None:
    assert read(["12.34"], decimal=",") == [None]


@pytest.mark.parametrize(
    ("text", "power", "value"),
    [
        ("3606.314", 6, 3606314000.0),
        ("0.1", 3, 100.0),
        ("1.005", 3, 1005.0),
        ("4.35", 2, 435.0),
        ("1.1e3", 6, 1.1e9),
        ("123", -3, 0.123),
        ("0.000001", 6, 1.0),
    ],
)
def test_the_scale_is_exact(text: str, power: int, value: float) -> None:
    assert read([text], power) == [value]


@pytest.mark.parametrize("text", ["10", "100", "1000", "1200", "0.10", "10.0", "100.500", "1e10", "1000000000000"])
def test_trailing_zeros_survive(text: str) -> None:
    assert read([text]) == [float(text)]


def test_the_sign_turns_brackets_and_minus_back() -> None:
    assert read(["(5)", "-5", "\u22125", "5"], sign=-1, brackets_are_negative=True) == [5.0, 5.0, 5.0, -5.0]


def test_there_is_no_negative_zero() -> None:
    texts = ["-0", "(0)", "-0.00", "0", "\u22120", "-1e-400"]
    for sign in (1, -1):
        assert [str(value) for value in read(texts, sign=sign, brackets_are_negative=True)] == ["0.0"] * len(texts)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20),
            st.integers(min_value=-12, max_value=12),
        ),
        min_size=1,
        max_size=60,
    )
)
def test_any_decimal_at_any_scale_is_the_nearest_float(drawn: list[tuple[Decimal, int]]) -> None:
    texts, powers = [f"{number:f}" for number, _ in drawn], [power for _, power in drawn]
    assert read(texts, powers) == [exact(text, power) for text, power in zip(texts, powers, strict=True)]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.decimals(min_value=-(10**15), max_value=10**15, places=3), min_size=1, max_size=60),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", "."), ("\u00a0", ",")]),
    st.sampled_from([0, 3, 6]),
)
def test_every_notation_reads_back_what_it_writes(numbers: list[Decimal], marks: tuple[str, str], power: int) -> None:
    table = str.maketrans(dict(zip(",.", marks, strict=True)))
    texts = [f"({abs(n):,f})" if n < 0 else f"{n:,f}" for n in numbers]
    found = read(
        [text.translate(table) for text in texts],
        power,
        thousands=marks[0],
        decimal=marks[1],
        brackets_are_negative=True,
    )
    assert found == [exact(str(n), power) for n in numbers]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(alphabet="0123456789.,()-+eE \u2212\u00a0'", max_size=9), min_size=1, max_size=60))
def test_junk_is_rejected_or_means_what_decimal_reads(texts: list[str]) -> None:
    for text, value in zip(texts, read(texts, **ENGLISH), strict=True):
        if value is not None:
            plain = text.replace(",", "").replace("\u2212", "-")
            assert value == exact(f"-{plain[1:-1]}" if plain.startswith("(") else plain, 0)
