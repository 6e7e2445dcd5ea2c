"""The standard items: the one table (`items.csv`) from which schemas, descriptions and documentation are derived."""

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal

Statement = Literal["income", "balance", "cash_flow", "company"]
Kind = Literal["duration", "instant", "text"]
Unit = Literal["money", "per_share", "text"]


@dataclass(frozen=True)
class Item:
    """A line item that every source is mapped onto.

    A `duration` is measured over a period, an `instant` at its end (months 0), a `text` is a word of the
    source. `money` is in units of the currency, `per_share` in units of the currency for one share.
    `bound` is a magnitude in US dollars that no company has ever reached, set generously (the largest revenue was
    about 7e11, the largest total assets about 7e12, the largest earnings per share about 6e4); None for a text.
    `has_one_sign` marks an item that hardly ever changes its sign from one period of a company to the next.
    `not_applicable` names the industries in which companies do not have the item, such as a bank's current assets.
    `us_gaap` holds the tags of the US GAAP taxonomy that the item stands for, the preferred one first.
    """

    name: str
    statement: Statement
    kind: Kind
    unit: Unit
    bound: float | None
    has_one_sign: bool
    not_applicable: tuple[str, ...]
    us_gaap: tuple[str, ...]
    description: str


def packaged_rows(file: str) -> list[dict[str, Any]]:
    """The rows of a CSV file of this package, by the columns of its header."""
    text = files(__package__).joinpath(file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


ITEMS: dict[str, Item] = {
    row["name"]: Item(
        **row
        | {
            "bound": float(row["bound"]) if row["bound"] else None,
            "has_one_sign": row["has_one_sign"] == "yes",
            "not_applicable": tuple(filter(None, row["not_applicable"].split("|"))),
            "us_gaap": tuple(filter(None, row["us_gaap"].split("|"))),
        }
    )
    for row in packaged_rows("items.csv")
}
NUMERIC_ITEMS: tuple[str, ...] = tuple(name for name, item in ITEMS.items() if item.kind != "text")
TEXT_ITEMS: tuple[str, ...] = tuple(name for name, item in ITEMS.items() if item.kind == "text")
BALANCES_AS_FLOWS = ("beginning_cash", "ending_cash")
"""Items of a period that are not the more the longer it is: amounts of cash on its first or last day."""
