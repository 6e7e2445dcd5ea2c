"""The reference list, prepared for looking up: its codes, tickers and names, each with its company."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes import SCHEMES, CodeIndex, Scheme, right_check_digits
from finsync_pipeline.identity.codes.schemes import CHECK_DIGITS
from finsync_pipeline.identity.countries import read_country
from finsync_pipeline.identity.names.name_index import NameIndex, NameRecord
from finsync_pipeline.identity.names.normal_form import fold_blanks
from finsync_pipeline.identity.tickers import TickerIndex

_CIK = re.compile(r"(?:CIK)?[\s:#.\-]*([0-9]{1,10})")

#: Columns of the list that hold codes, several of a company separated by `|`.
CODE_COLUMNS = ("lei", "isin", "cusip", "cik")
#: What a source may say that its column of companies holds.
KINDS = ("ticker", *CODE_COLUMNS, "name", "id")


@dataclass(frozen=True, eq=False)
class CompanyIndex:
    """Companies by their places in the list sorted by id; build it with `CompanyIndex.of`.

    `company_ids`: Arrow text. `codes`: by the name of their scheme.
    """

    company_ids: pa.Array
    codes: Mapping[str, CodeIndex]
    tickers: TickerIndex
    names: NameIndex
    countries: list[str | None]

    @classmethod
    def of(cls, companies: pd.DataFrame, aliases: pd.DataFrame) -> CompanyIndex:
        """Prepare the companies and aliases of a `Reference`."""
        companies = companies.sort_values("company_id")
        ids = pa.array(companies["company_id"], pa.large_string(), from_pandas=True)
        places = {company_id: place for place, company_id in enumerate(ids.to_pylist())}
        countries: list[str | None] = [None] * len(ids)
        for place, country in _filled(companies["country"]):
            countries[place] = read_country(country)
        names = [NameRecord(place, name) for place, name in _filled(companies["name"])]
        tickers = [NameRecord(place, each) for place, cell in _filled(companies["tickers"]) for each in cell.split("|")]
        for alias in aliases.astype(object).where(aliases.notna(), None).to_dict("records"):
            (tickers if alias["kind"] == "ticker" else names).append(_as_record(alias, places))
        names.sort(key=lambda record: (record.text, record.company, record.is_alias, str(record.valid_from)))
        return cls(
            ids, _codes(companies, ids), TickerIndex.of(tickers, countries), NameIndex.of(names, countries), countries
        )

    def codes_of(self, kind: str | None) -> Mapping[str, CodeIndex]:
        """The kinds of code that a text of this kind (of KINDS; None any) may be."""
        if kind in CODE_COLUMNS:
            return {kind: self.codes[kind]} if kind in self.codes else {}
        return self.codes if kind in (None, "id") else {}

    @cached_property
    def names_and_tickers(self) -> frozenset[str]:
        """The names, their cores, and the tickers, case-folded: a code that is one of them may mean that as well."""
        names = (text for record in self.names.records for text in (record.forms.literal, record.forms.joined))
        return frozenset([*names, *map(str.casefold, self.tickers.records)])


def _as_record(alias: Mapping[Any, Any], places: Mapping[str, int]) -> NameRecord:
    days = [day if isinstance(day := alias[column], date) else None for column in ("valid_from", "valid_to")]
    return NameRecord(places[alias["company_id"]], str(alias["alias"]), True, *days)


def _codes(companies: pd.DataFrame, ids: pa.Array) -> dict[str, CodeIndex]:
    """An index for each scheme of which the list has codes; ids that are such codes are no scheme of their own."""
    codes: dict[str, CodeIndex] = {}
    for column in CODE_COLUMNS:
        listed = [(place, code) for place, cell in _filled(companies[column]) for code in cell.split("|")]
        if column == "cik":
            listed = [(place, normalise_cik(code) or code) for place, code in listed]
        if listed:
            texts = pa.array([code for _, code in listed], pa.large_string())
            codes[column] = CodeIndex.of(texts, np.array([place for place, _ in listed], np.int32), SCHEMES[column])
    own = CodeIndex.of(ids, np.arange(len(ids), dtype=np.int32), _scheme_of_ids(companies, ids))
    return {"company_id": own, **codes}


def _scheme_of_ids(companies: pd.DataFrame, ids: pa.Array) -> Scheme:
    """What the list's own ids are: codes that a column holds too, codes with check digits, or a house's own."""
    for column in CODE_COLUMNS:
        if (companies[column] == companies["company_id"]).fillna(False).all():
            return replace(SCHEMES["company_id"], is_repaired=False)  # repaired by the rules of that column
    for scheme in SCHEMES.values():
        if scheme.name in CHECK_DIGITS and len(ids) and right_check_digits(ids, scheme.name).all():
            return scheme
    is_number = pc.all(pc.utf8_is_decimal(ids)).as_py() and len({text.lstrip("0") for text in ids.to_pylist()}) == len(
        ids
    )
    return replace(SCHEMES["company_id"], is_number=bool(is_number))


def _filled(column: pd.Series[Any]) -> Iterator[tuple[int, str]]:
    """The cells that are not blank, with their places."""
    for place, cell in enumerate(column.tolist()):
        if isinstance(cell, str) and cell.strip():
            yield place, cell


def normalise_cik(text: str) -> str | None:
    """A CIK without its label and its leading zeros, or None where the text is none."""
    found = _CIK.fullmatch(fold_blanks(text).upper())
    return (found[1].lstrip("0") or None) if found else None
