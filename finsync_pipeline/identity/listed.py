"""The listed companies, prepared for looking up: their codes, tickers and names. Built once for a list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes import SCHEMES, CodeIndex, Scheme
from finsync_pipeline.identity.codes.bytes_of import large_text, matrix_of
from finsync_pipeline.identity.codes.check_digits import right_check_digits
from finsync_pipeline.identity.kept import Kept
from finsync_pipeline.identity.names.index import Claim
from finsync_pipeline.identity.names.listed_names import Names
from finsync_pipeline.identity.names.storage import load_names, save_names
from finsync_pipeline.identity.normalise import normalise_cik, normalise_ticker

#: Columns of the list that hold codes, several of a company separated by `|`.
CODE_COLUMNS = ("lei", "isin", "cusip", "cik")

NOWHERE = Kept(None)


@dataclass(frozen=True, eq=False)
class ListedCompanies:
    """Companies by number, in the order of the list.

    `company_ids`: Arrow text. `countries`: ISO codes or null. `codes`: by the name of their scheme. `tickers`: who
    claims each. `names`: who answers to a name.
    """

    company_ids: pa.Array
    countries: list[str | None]
    codes: Mapping[str, CodeIndex]
    tickers: Mapping[str, list[Claim]]
    names: Names

    @classmethod
    def of(cls, companies: pd.DataFrame, aliases: pd.DataFrame, kept: Kept = NOWHERE) -> ListedCompanies:
        """Prepare the companies and aliases of a `Reference`, or take what is kept of this version of it."""
        companies = companies.sort_values("company_id")  # numbers do not depend on the order of the list
        ids = large_text(pa.array(companies["company_id"], from_pandas=True))
        numbers = {company_id: number for number, company_id in enumerate(ids.to_pylist())}
        names: list[Claim] = []
        tickers: dict[str, list[Claim]] = defaultdict(list)
        for number, name in _said(companies["name"]):
            names.append(Claim(number, name))
        for number, listed in _said(companies["tickers"]):
            for ticker in listed.split("|"):
                _claim_ticker(tickers, Claim(number, ticker))
        for alias in _rows(aliases):
            claim = _as_claim(alias, numbers)
            if alias["kind"] == "ticker":
                _claim_ticker(tickers, claim)
            else:
                names.append(claim)
        countries: list[str | None] = [None] * len(ids)
        for number, country in _said(companies["country"]):
            countries[number] = country.strip().upper() if len(country.strip()) == 2 else None
        names.sort(key=lambda claim: (claim.text, claim.company, claim.is_alias, str(claim.valid_from)))
        prepared = kept.part(
            "names",
            lambda: Names.of(names, len(ids)),
            lambda folder: load_names(folder, names, len(ids)),
            save_names,
        )
        return cls(ids, countries, _codes(companies, ids, kept), dict(tickers), prepared)

    @cached_property
    def has_wordless_tickers(self) -> bool:
        """Whether a ticker has no letter in it, such as `7203`."""
        return not all(any(map(str.isalpha, ticker)) for ticker in self.tickers)


def _codes(companies: pd.DataFrame, ids: pa.Array, kept: Kept) -> dict[str, CodeIndex]:
    """An index for each scheme of which the list has codes; ids that are such codes are no scheme of their own."""
    codes: dict[str, CodeIndex] = {}
    for column in CODE_COLUMNS:
        said = [(n, code) for n, cell in _said(companies.get(column)) for code in cell.split("|") if code.strip()]
        if column == "cik":
            said = [(number, normalise_cik(code) or code) for number, code in said]
        if said:
            texts = pa.array([code for _, code in said], pa.large_string())
            codes[column] = _index(column, texts, np.array([n for n, _ in said], np.int32), SCHEMES[column], kept)
    numbers = np.arange(len(ids), dtype=np.int32)
    return {"company_id": _index("company_id", ids, numbers, _scheme_of(ids, codes), kept), **codes}


def _scheme_of(ids: pa.Array, codes: Mapping[str, CodeIndex]) -> Scheme:
    """What the list's own ids are: codes with check digits, codes that another column holds too, or a house's own."""
    in_order = ids.sort()
    if any(in_order.equals(index.listed.forms["exact"]) for index in codes.values()):
        return replace(SCHEMES["company_id"], is_repaired=False)  # repaired by the rules of that column
    for scheme in SCHEMES.values():
        if scheme.check is not None and _are_all(ids, scheme):
            return scheme
    texts = ids.to_pylist()
    is_number = all(map(str.isdecimal, texts)) and len({text.lstrip("0") for text in texts}) == len(texts)
    return replace(SCHEMES["company_id"], is_number=is_number)


def _are_all(ids: pa.Array, scheme: Scheme) -> bool:
    """Whether every id is a code of this scheme, with right check digits."""
    length = scheme.length or 0
    if not len(ids) or not pc.all(pc.equal(pc.binary_length(ids), length)).as_py():
        return False
    return bool(right_check_digits(*matrix_of(ids, length), str(scheme.check)).all())


def _index(name: str, codes: pa.Array, numbers: npt.NDArray[np.int32], scheme: Scheme, kept: Kept) -> CodeIndex:
    index = kept.part(
        name,
        lambda: CodeIndex.of(codes, numbers, scheme),
        CodeIndex.load,
        lambda folder, built: built.save(folder),
    )
    return replace(index, listed=replace(index.listed, scheme=scheme))


def _claim_ticker(tickers: dict[str, list[Claim]], claim: Claim) -> None:
    ticker = normalise_ticker(claim.text)
    if ticker is not None:
        tickers[ticker].append(claim)


def _as_claim(alias: Mapping[str, Any], numbers: Mapping[str, int]) -> Claim:
    days = [day if isinstance(day := alias[column], date) else None for column in ("valid_from", "valid_to")]
    return Claim(numbers[alias["company_id"]], str(alias["alias"]), True, *days)


def _said(column: pd.Series[Any] | None) -> Iterator[tuple[int, str]]:
    """The cells that say something, with their places."""
    for number, cell in enumerate([] if column is None else column.tolist()):
        if isinstance(cell, str) and cell.strip():
            yield number, cell


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    columns = {str(name): [None if pd.isna(v) else v for v in frame[name]] for name in frame.columns}
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
