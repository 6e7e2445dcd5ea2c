"""Which item words mean: names of items, what describes them, their US GAAP tags, and usual names (`item_words.csv`).

Words that may mean several items have the likeliest first; the others are offered beside it.
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from finsync_pipeline.statements.derived import FORMULAS
from finsync_pipeline.statements.items import ITEMS, NUMERIC_ITEMS

LONGEST_DESCRIPTION = 5
"""Descriptions of more words are sentences that nobody types."""


@dataclass(frozen=True)
class MeantItem:
    """The item that words mean, what else they may mean, and how many words they are."""

    item: str
    others: tuple[str, ...]
    count: int


def item_of(words: Sequence[str]) -> MeantItem | None:
    """The item that the first of these words in lower case mean, as many of them as possible."""
    stems = tuple(map(stem, words[: _longest()]))
    for count in range(len(stems), 0, -1):
        if found := _phrases().get(stems[:count]):
            return MeantItem(found[0], found[1:], count)
    return None


def stem(word: str) -> str:
    """The word without the ending of a plural."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


@cache
def _phrases() -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """Items by the words that mean them; usual names before the names of items, and those before descriptions."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    with (Path(__file__).parent / "item_words.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found.setdefault(_stems(row["words"]), tuple(row["items"].split("|")))
    for name in (*NUMERIC_ITEMS, *FORMULAS):
        found.setdefault(_stems(name.replace("_", " ")), (name,))
    for name in NUMERIC_ITEMS:
        for tag in ITEMS[name].us_gaap:
            found.setdefault((stem(tag.lower()),), (name,))
        described = _stems(ITEMS[name].description.partition(";")[0].replace("-", " "))
        if len(described) <= LONGEST_DESCRIPTION:
            found.setdefault(described, (name,))
    return found


@cache
def _longest() -> int:
    return max(map(len, _phrases()))


def _stems(text: str) -> tuple[str, ...]:
    return tuple(map(stem, text.lower().split()))
