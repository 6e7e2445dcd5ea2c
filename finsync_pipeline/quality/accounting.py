"""Accounting: whether the statements prove themselves, by the identities that hold in every set of accounts.

The identities are in `accounting_identities.csv`: families, a line for each variant (with and without minority interest,
discontinued operations, the effect of exchange rates, ...), of which the one with the least difference counts. They are
checked within each source, over all sources where none has all terms, and over time. Nothing is ever made to balance:
what fails is listed with its likely culprit, graded, and, if one value is proven wrong by a unit or its sign, a suspect
of the `agreement`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import duckdb
import pandas as pd

from finsync_pipeline.quality.sql import run_statements
from finsync_pipeline.statements.items import ITEMS

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
    def select(self) -> str:
        """The SELECT of its checks: of each row with all terms the difference, the largest term and the terms."""
        difference = " ".join(f"{'+-'[term.coefficient < 0]} {term.column}" for term in self.terms)
        columns = ", ".join(term.column for term in self.terms)
        largest = ", ".join(f"abs({term.column})" for term in self.terms)
        months = "= 0" if all(term.is_instant and not term.is_previous for term in self.terms) else "> 0"
        return (
            f"SELECT row, '{self.identity}' AS identity, {self.number} AS variant, {difference} AS difference, "
            f"greatest({largest}) AS largest, CASE WHEN difference <> 0 THEN [{columns}] END AS amounts "
            f"FROM accounting_periods WHERE months {months} AND difference IS NOT NULL"
        )


@cache
def equations() -> tuple[Equation, ...]:
    """All variants of all identities."""
    lines = (files(__package__) / "accounting_identities.csv").read_text(encoding="utf-8").splitlines()[1:]
    return tuple(Equation(n, *line.split(","), tuple(_terms(line.split(",")[1]))) for n, line in enumerate(lines))


def _terms(equation: str) -> Iterator[Term]:
    for side, sign in zip(equation.split(" = "), (1, -1), strict=True):
        for minus, previous, item in _TERM.findall(side):
            yield Term(item, -sign if minus == "-" else sign, bool(previous))


def check_accounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the temporary tables of the checks from agreement_observations (see `suspects.find_suspects`)."""
    items = sorted({term.item for equation in equations() for term in equation.terms})
    instants = [item for item in items if ITEMS[item].kind == "instant"]
    run_statements(
        connection,
        "accounting_rows",
        items=", ".join(f"'{item}'" for item in items),
        amounts=", ".join(f"max(CASE WHEN item = '{item}' THEN value END) AS {item}" for item in items),
        agreed=", ".join(f"CASE WHEN NOT differs(min({item}), max({item}), 0.01) THEN max({item}) END" for item in items),
        instants=", ".join(f"max({item}) AS {item}" for item in instants),
        instants_at_end=", ".join(f"ends.{item} AS {item}" for item in instants),
    )
    run_statements(
        connection, "accounting_checks", equations=" UNION ALL ".join(equation.select for equation in equations())
    )
    connection.register("accounting_terms", _term_table())


def _term_table() -> pd.DataFrame:
    """Each term of each equation: variant, place (1 for the first), item, coefficient, is_previous, is_instant."""
    rows = [
        (equation.number, place, term.item, term.coefficient, term.is_previous, term.is_instant)
        for equation in equations()
        for place, term in enumerate(equation.terms, 1)
    ]
    return pd.DataFrame(rows, columns=["variant", "place", "item", "coefficient", "is_previous", "is_instant"])
