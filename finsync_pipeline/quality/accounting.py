"""Accounting: whether the statements prove themselves, by the identities that hold in every set of accounts.

The identities are in `accounting_identities.csv`: families, a line for each variant (with and without minority
interest, discontinued operations, the effect of exchange rates, ...), of which the one with the least difference
counts. They are checked within each source, over all sources where none has all terms, and over time. Nothing is ever
made to balance: what fails is listed with its likely culprit, graded, and, if one value is proven wrong by a unit or
its sign, a suspect of the `agreement`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import duckdb
import pandas as pd

from finsync_pipeline.quality.sql import run_statements
from finsync_pipeline.statements.items import ITEMS, Item

_TERM = re.compile(r"([+-]?) ?(previous )?([a-z_]+)")


@dataclass(frozen=True)
class Term:
    """An item in an equation: its coefficient with all terms on one side, and whether it is of the period before."""

    item: str
    coefficient: int
    is_previous: bool

    @property
    def column(self) -> str:
        """The column of accounting_periods."""
        return f"previous_{self.item}" if self.is_previous else self.item

    @property
    def is_instant(self) -> bool:
        """Whether it is a figure of the day on which its period ends."""
        return ITEMS[self.item].kind == "instant"


@dataclass(frozen=True)
class Equation:
    """A variant of an identity, as it is written and as terms whose sum is zero."""

    number: int
    identity: str
    text: str
    terms: tuple[Term, ...]

    @property
    def instants(self) -> list[Term]:
        """Its terms that are figures of a day."""
        return [term for term in self.terms if term.is_instant]

    @property
    def is_instant(self) -> bool:
        """Whether all its terms are figures of one day."""
        return all(term.is_instant and not term.is_previous for term in self.terms)

    @property
    def rows(self) -> Iterator[tuple[int, int, str, int, bool, bool]]:
        """The rows of accounting_terms: variant, place (from 1), item, coefficient, is_previous, is_instant."""
        for place, term in enumerate(self.terms, 1):
            yield self.number, place, term.item, term.coefficient, term.is_previous, term.is_instant

    @property
    def select(self) -> str:
        """The SELECT of its checks: of each row with all terms the difference, the largest term and the terms."""
        difference = " ".join(f"{'+-'[term.coefficient < 0]} {term.column}" for term in self.terms)
        columns = ", ".join(term.column for term in self.terms)
        largest = ", ".join(f"abs({term.column})" for term in self.terms)
        months = "= 0" if self.is_instant else "> 0"
        return (
            f"SELECT row, '{self.identity}' AS identity, {self.number} AS variant, {difference} AS difference, "
            f"greatest({largest}) AS largest, CASE WHEN difference <> 0 THEN [{columns}] END AS amounts "
            f"FROM accounting_periods WHERE months {months} AND difference IS NOT NULL"
        )


@cache
def equations() -> tuple[Equation, ...]:
    """All variants of all identities."""
    lines = (files(__package__) / "accounting_identities.csv").read_text(encoding="utf-8").splitlines()[1:]
    declared = [line.split(",") for line in lines]
    return tuple(Equation(n, identity, text, tuple(_terms(text))) for n, (identity, text) in enumerate(declared))


def _terms(equation: str) -> Iterator[Term]:
    for side, sign in zip(equation.split(" = "), (1, -1), strict=True):
        for minus, previous, item in _TERM.findall(side):
            yield Term(item, -sign if minus == "-" else sign, bool(previous))


def check_accounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the temporary tables of the checks from agreement_observations (see `suspects.find_suspects`)."""
    items = sorted({term.item for equation in equations() for term in equation.terms})
    instants = sorted({term.item for equation in equations() if not equation.is_instant for term in equation.instants})
    run_statements(
        connection,
        "accounting_rows",
        items=", ".join(f"'{item}'" for item in items),
        amounts=", ".join(f"max(CASE WHEN item = '{item}' THEN value END) AS {item}" for item in items),
        agreed=", ".join(
            f"CASE WHEN NOT differs(min({item}), max({item}), 0.01) THEN max({item}) END" for item in items
        ),
        instants=", ".join(f"max({item}) AS {item}" for item in instants),
        instants_at_end=", ".join(f"ends.{item} AS {item}" for item in instants),
    )
    run_statements(
        connection, "accounting_checks", equations=" UNION ALL ".join(equation.select for equation in equations())
    )
    terms = ", ".join(str(term) for equation in equations() for term in equation.rows)
    run_statements(connection, "accounting_culprits", terms=terms)


def accounting_tables(
    connection: duckdb.DuckDBPyConnection, industries: Mapping[str, str] | None = None
) -> tuple[duckdb.DuckDBPyRelation, duckdb.DuckDBPyRelation]:
    """The tables ACCOUNTING_CHECKS and ACCOUNTING_GRADES, in no order, after `check_accounts` on this connection.

    `industries` has the industry of each company of which it is known. The relations read temporary tables.
    """
    texts = [(equation.number, equation.text) for equation in equations()]
    run_statements(
        connection,
        "accounting_result",
        equations=", ".join(map(str, texts)),
        of_length=", ".join(f"'{name}'" for name, item in ITEMS.items() if _grows_with_length(item)),
    )
    known = pd.DataFrame(list((industries or {}).items()), columns=["company_id", "industry"], dtype="str")
    without = [(name, industry) for name, item in ITEMS.items() for industry in item.not_applicable]
    connection.register("accounting_industries", known)
    run_statements(connection, "accounting_grades", not_applicable=", ".join(map(str, without)))
    return connection.table("accounting_result"), connection.table("accounting_grades")


def _grows_with_length(item: Item) -> bool:
    """Whether a longer period has a larger amount of the item, as of revenue."""
    return item.statement == "income" and item.kind == "duration" and item.has_one_sign
