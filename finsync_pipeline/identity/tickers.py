"""Which listed company a ticker means, whatever its case and the separator of its share class."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from finsync_pipeline.identity.names.name_index import NameRecord
from finsync_pipeline.identity.names.normal_form import fold_blanks
from finsync_pipeline.identity.results import Match, Method

_TICKER = re.compile(r"[0-9A-Z]{1,10}(?:\.[0-9A-Z]{1,4})?")
_SEPARATORS = re.compile(r"\s*[./\-_\s]\s*")
#: Data providers put the country of the exchange behind a ticker.
_WITH_COUNTRY = re.compile(r"(.+)\.([A-Z]{2})")
_USUAL_COUNTRY = "US"


def normalise_ticker(text: str) -> str | None:
    """A ticker in capitals, its share class after a dot (`BRK.B`), or None where the text cannot be one."""
    ticker = _written(text)
    return ticker if _TICKER.fullmatch(ticker) else None


@dataclass(frozen=True)
class TickerIndex:
    """The listed tickers (normalised), by themselves and without the dot; `countries`: of each company."""

    records: Mapping[str, Sequence[NameRecord]]
    undotted: Mapping[str, Sequence[NameRecord]]
    countries: Sequence[str | None]

    @classmethod
    def of(cls, records: Iterable[NameRecord], countries: Sequence[str | None]) -> TickerIndex:
        """Prepare these tickers; what cannot be a ticker is left out."""
        by_ticker: defaultdict[str, list[NameRecord]] = defaultdict(list)
        undotted: defaultdict[str, list[NameRecord]] = defaultdict(list)
        for record in records:
            if ticker := normalise_ticker(record.text):
                by_ticker[ticker].append(record)
                undotted[ticker.replace(".", "")].append(record)
        return cls(dict(by_ticker), dict(undotted), countries)

    @property
    def has_wordless(self) -> bool:
        """Whether a ticker has no letter in it, such as `7203`."""
        return not all(any(map(str.isalpha, ticker)) for ticker in self.records)

    def find(self, text: str, day: date) -> list[Match]:
        """The companies that have the ticker on a day; several are ambiguous.

        What is written like a word, `Ford`, may be a name as well: such a match does not suffice.
        """
        written = _written(text)
        found = [r for r in self.records.get(written, ()) if r.is_in_force(day)] or self._otherwise(written, day)
        dated = [record for record in found if record.is_dated]
        is_alias = bool(dated) or all(record.is_alias for record in found)
        steps = None if written == text else f"ticker {written}"
        match = Match(-1, Method.ALIAS if is_alias else Method.TICKER, steps, is_conclusive=bool(dated))
        suffices = text.isupper() or text.islower() or not any(map(str.isalpha, text))
        return [
            replace(match, company=company, suffices=suffices)
            for company in sorted({record.company for record in dated or found})
        ]

    def _otherwise(self, written: str, day: date) -> list[NameRecord]:
        """`BRKB`, `BRK.B.US`: only if one company's ticker can be meant."""
        found = self.undotted.get(written.replace(".", ""), ())
        if not found and (parts := _WITH_COUNTRY.fullmatch(written)):
            without = self.records.get(parts[1], ())
            found = [r for r in without if parts[2] == (self.countries[r.company] or _USUAL_COUNTRY)]
        found = [record for record in found if record.is_in_force(day)]
        return found if len({record.company for record in found}) == 1 else []


def _written(text: str) -> str:
    return _SEPARATORS.sub(".", fold_blanks(text)).upper()
