"""The listed names, tickers and ids, prepared for looking up.

Everything that depends on the list alone and not on a spelling. An alias counts only on the days on which it
is in force; a name of the list has no dates and always counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from finsync_pipeline.identity.normalise import (
    NameForms,
    normalise_cik,
    normalise_name,
    normalise_ticker,
)

#: The forms of a name by which it is looked up, the most literal first.
NAME_FORMS = ("literal", "light", "core", "joined", "ordered", "short")

Key = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """A company's claim to a name or a ticker, on all days or on those from `valid_from` to `valid_to`."""

    company_id: str
    text: str
    is_alias: bool = False
    valid_from: date | None = None
    valid_to: date | None = None

    @property
    def is_dated(self) -> bool:
        """Whether it says when it begins or when it ends."""
        return self.valid_from is not None or self.valid_to is not None

    def is_in_force(self, day: date) -> bool:
        """Both days included."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True)
class ListedNames:
    """What a reference says, by what a source may write. Build it with `ListedNames.of`."""

    ids: frozenset[str]
    folded_ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    ciks: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    leis: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    tickers: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))
    names: dict[str, dict[Key, list[Claim]]] = field(
        default_factory=lambda: {form: defaultdict(list) for form in NAME_FORMS}
    )
    vocabulary: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    first_words: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    cores: dict[str, list[Claim]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, companies: pd.DataFrame, aliases: pd.DataFrame) -> ListedNames:
        """Prepare the companies and aliases of a `Reference`."""
        listed = cls(ids=frozenset(companies["company_id"]))
        for company in _rows(companies):
            company_id = str(company["company_id"])
            listed.folded_ids[fold_id(company_id)].append(company_id)
            if (cik := normalise_cik(str(company["cik"] or ""))) is not None:
                listed.ciks[cik].append(company_id)
            if company["lei"] is not None:
                listed.leis[str(company["lei"]).upper()].append(company_id)
            if company["name"] is not None:
                listed._add_name(Claim(company_id, str(company["name"])))
            for ticker in str(company["tickers"] or "").split("|"):
                listed._add_ticker(Claim(company_id, ticker))
        for alias in _rows(aliases):
            valid_from, valid_to = alias["valid_from"], alias["valid_to"]
            claim = Claim(
                str(alias["company_id"]),
                str(alias["alias"]),
                is_alias=True,
                valid_from=valid_from if isinstance(valid_from, date) else None,
                valid_to=valid_to if isinstance(valid_to, date) else None,
            )
            if alias["kind"] == "ticker":
                listed._add_ticker(claim)
            else:
                listed._add_name(claim)
        return listed

    def names_like(self, forms: NameForms, form: str, day: date) -> list[Claim]:
        """The claims in force on `day` to a name that is the same in `form` and has no other legal form."""
        claims = [claim for claim in self.names[form].get(key_of(forms, form), ()) if claim.is_in_force(day)]
        if form in {"literal", "light"}:
            return claims
        return [claim for claim in claims if not contradict(forms, normalise_name(claim.text))]

    def is_word_of_others(self, word: str, company_id: str) -> bool:
        """Whether the word stands in the name of a company other than this one."""
        return bool(self.vocabulary.get(word, set()) - {company_id})

    def _add_name(self, claim: Claim) -> None:
        forms = normalise_name(claim.text)
        for form in NAME_FORMS:
            if form == "short":
                if forms.short is not None:
                    self.names[form][forms.short].append(claim)
            else:
                self.names[form][key_of(forms, form)].append(claim)
        for word in forms.core:
            self.vocabulary[word].add(claim.company_id)
        if forms.core and not claim.is_alias:
            self.first_words[forms.core[0]].add(claim.company_id)
        self.cores[" ".join(forms.core)].append(claim)

    def _add_ticker(self, claim: Claim) -> None:
        ticker = normalise_ticker(claim.text)
        if ticker is not None:
            self.tickers[ticker].append(claim)


def key_of(forms: NameForms, form: str) -> Key:
    """What a spelling is looked up by; a spelling is compared whole with the names that are listed longer."""
    key: Key = forms.ordered if form == "short" else getattr(forms, form)
    return key


def contradict(one: NameForms, other: NameForms) -> bool:
    """Whether both names state a legal form, and none in common."""
    return bool(one.legal_forms and other.legal_forms) and one.legal_forms.isdisjoint(other.legal_forms)


def fold_id(text: str) -> str:
    """An id without case, blanks and, if it is a number, leading zeros."""
    folded = "".join(text.casefold().split())
    return (folded.lstrip("0") or "0") if folded.isdigit() else folded


def companies_of(claims: Iterable[Claim]) -> list[str]:
    """The companies that make these claims, each once, sorted."""
    return sorted({claim.company_id for claim in claims})


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, object]]:
    columns = {str(name): [None if pd.isna(v) else v for v in frame[name]] for name in frame.columns}
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
