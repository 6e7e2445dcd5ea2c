"""The listed codes of a scheme, or of all schemes together, ready to be asked which company a text belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes import blocking, normalization
from finsync_pipeline.identity.codes.blocking import EDIT, LOOK_ALIKE
from finsync_pipeline.identity.codes.density import REPAIRS, Density, measure_density
from finsync_pipeline.identity.codes.normalization import FORMS, Forms, Places, as_text
from finsync_pipeline.identity.codes.schemes import Scheme, right_check_digits
from finsync_pipeline.identity.results import Companies, Decisions, Method, Status

#: Codes of these lengths are searched for typing errors; the shortest of them are not repaired by two edits.
SHORTEST_REPAIRED, SHORTEST_REPAIRED_TWICE, LONGEST_REPAIRED, MOST_EDITS = 5, 7, 34, 2
#: The nearest company must be so much nearer than every other one, in what an edit costs.
MARGIN = 4
#: A form in which more codes are other companies' too, or are mistyped into each other, accepts nothing.
FORM_FLOOR = 0.9995
#: The methods from the surest to the least sure; the first ones repair nothing.
_RANKS = {Method.EXACT: 0, Method.NORMALISED: 1, Method.CIK: 1}
_RANKS |= {Method.LOOK_ALIKE: 2, Method.ONE_EDIT: 3, Method.TWO_EDITS: 4}
_NORMALISED, _NONE = 1, 5
_AS_LISTED, _ZEROS_IN_FRONT = "as the list writes it", "zeros in front left out"


@dataclass(frozen=True, eq=False)
class CodeIndex:
    """The codes of a list, sorted, with the company of each; make it with `CodeIndex.of`.

    `forms`: the codes in each of `FORMS` (large_string). `precision`: for each form the expected share of texts that
    belong to the company whose code they are in it; nan where the form does not tell the companies of the list apart.
    `keys`: what is searched for typing errors, with `cuts` (see `blocking`); `owners`: the company of each.
    """

    scheme: Scheme
    companies: Companies
    forms: dict[str, pa.Array]
    precision: dict[str, float]
    keys: pa.Array
    cuts: dict[int, int]
    owners: Companies
    density: Density

    @classmethod
    def of(cls, codes: pa.Array, companies: Companies, scheme: Scheme) -> CodeIndex:
        """`codes[i]` (text; null and blank ones are left out) belongs to the company number `companies[i]` (int32).

        A company may have several codes; a code of several companies is ambiguous. Raises `ValueError` if the two
        differ in length or a company number is negative.
        """
        if len(codes) != len(companies):
            raise ValueError(f"{len(codes)} codes but {len(companies)} companies: give each code its company")
        if len(companies) and int(np.min(companies)) < 0:
            raise ValueError("companies: a company number is negative; count companies from 0")
        codes, companies = _sorted(as_text(codes), np.asarray(companies, dtype=np.int32))
        plain = normalization.plain_forms(codes, scheme)
        forms = plain.texts
        for before, form in pairwise(FORMS):
            forms[form] = forms[before] if forms[form].equals(forms[before]) else forms[form]
        keys = normalization.search_keys(plain, scheme)
        is_searched = _is_searched(keys) & scheme.is_repaired
        keys, owners = keys if is_searched.all() else keys.filter(pa.array(is_searched)), companies[is_searched]
        cuts = blocking.best_cuts(keys)
        density = measure_density(keys, cuts, owners, scheme)
        return cls(scheme, companies, forms, _precision(forms, companies, scheme, density), keys, cuts, owners, density)

    @cached_property
    def holders(self) -> frozenset[int]:
        """The companies that have a code of the scheme."""
        return frozenset(self.companies.tolist())

    def find(self, texts: pa.Array) -> Decisions:
        """Which company each text (of any Arrow type of text) belongs to; unknown for null."""
        encoded = as_text(texts).dictionary_encode()
        forms, left = normalization.plain_forms(encoded.dictionary, self.scheme), np.arange(len(encoded.dictionary))
        found = Decisions.unknown(len(left) + 1)  # the last one for null
        for form in FORMS:
            left = self._look_up(forms, form, left, found)
        self._repair(forms, left, found)
        return found.take(encoded.indices.fill_null(len(found) - 1).to_numpy(zero_copy_only=False))

    def costs(self, texts: pa.Array, companies: Companies) -> npt.NDArray[np.float32]:
        """Edits (OSA, in plain form) from each text to the nearest code of the company beside it.

        0 where they only differ in how they are written; infinite beyond two edits, and for null.
        """
        forms = normalization.plain_forms(as_text(texts).fill_null(""), self.scheme)
        asked = pd.DataFrame({"company": companies, "text": np.arange(len(texts))})
        listed = pd.DataFrame({"company": self.companies, "code": np.arange(len(self.companies))})
        text, code = asked.merge(listed[listed["company"].isin(companies)], on="company")[["text", "code"]].to_numpy().T
        beside = Forms({form: self.forms[form].take(code) for form in FORMS}, {})
        costs = np.full(len(texts), np.inf, dtype=np.float32)
        if self.scheme.is_repaired:
            one, other = (normalization.search_keys(each, self.scheme) for each in (forms, beside))
            edits = blocking.edits_between(one.take(text), other)
            is_near = (edits <= MOST_EDITS) & _is_searched(one.take(text)) & _is_searched(other)
            np.minimum.at(costs, text[is_near], edits[is_near].astype(np.float32))
        for form in FORMS:
            one = forms.texts[form].take(text)
            costs[text[np.asarray(pc.and_(pc.equal(one, beside.texts[form]), pc.not_equal(one, "")))]] = 0
        return costs

    def _look_up(self, forms: Forms, form: str, places: Places, found: Decisions) -> Places:
        """Decide the texts in these places that are listed codes in this form; returns the places of the others."""
        texts = forms.texts[form].take(places)
        asked = pc.if_else(pc.equal(texts, ""), None, texts).dictionary_encode()
        meant = pc.index_in(self.forms[form], value_set=asked.dictionary).fill_null(-1).to_numpy(zero_copy_only=False)
        listed = np.flatnonzero(meant >= 0)
        order = listed[np.lexsort((self.companies[listed], meant[listed]))]
        ids = asked.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        first, end = (np.searchsorted(meant[order], ids, side=side) for side in ("left", "right"))
        is_hit, owners = first < end, self.companies[order]
        first, last, hits = first[is_hit], end[is_hit] - 1, places[is_hit]
        surest = Method.CIK if self.scheme.name == "cik" else (Method.EXACT if form == "exact" else Method.NORMALISED)
        is_alike = (forms.steps[form][hits] & normalization.LETTERS > 0).astype(int)
        method = np.array([surest, Method.LOOK_ALIKE], dtype=object)[is_alike]
        is_told = (owners[first] == owners[last]) & ~np.isnan(self.precision[form])
        _accept(hits[is_told], owners[first[is_told]], method[is_told], self.precision[form], found)
        for at in np.flatnonzero(~is_told):
            companies = np.unique(owners[first[at] : last[at] + 1]).tolist()
            status = Status.UNKNOWN if len(companies) == 1 else Status.AMBIGUOUS
            found.quarantine(hits[at], status, [(company, 100.0) for company in companies], method[at])
        if form != "exact":
            told = forms.steps_in_words(form, hits)
            found.steps[hits] = np.where(told == "", _AS_LISTED, told)
        return np.delete(places, np.flatnonzero(is_hit))

    def _repair(self, forms: Forms, places: Places, found: Decisions) -> None:
        """Decide the texts in these places that are near to a listed code."""
        keys = normalization.search_keys(forms, self.scheme).take(places)
        is_unlisted = right_check_digits(keys, self.scheme.name)
        found.is_unlisted[places[is_unlisted]] = True
        is_searched = _is_searched(keys) & ~is_unlisted
        if not is_searched.any() or len(self.owners) == 0:
            return
        keys, places = keys.filter(pa.array(is_searched)), places[is_searched]
        pairs = blocking.near_pairs(keys, self.keys, self.cuts, self.density.reach)
        best = blocking.nearest(pairs.assign(company=self.owners[pairs["key"]]))
        texts, codes = keys.take(best["text"].to_numpy()), self.keys.take(best["key"].to_numpy())
        told, read = forms.steps_in_words("bare", places[best["text"]]), blocking.repairs_in_words(texts, codes)
        same = _ZEROS_IN_FRONT if self.scheme.is_number else ""
        words = map(normalization.joined, told, np.where(read == "", same, read))
        best["steps"] = [each or _AS_LISTED for each in words]
        lengths = np.asarray(pc.utf8_length(texts))
        best["is_long"] = np.minimum(lengths, np.asarray(pc.utf8_length(codes))) >= SHORTEST_REPAIRED_TWICE
        for cost, score in (("cost", "score"), ("rival_cost", "rival_score")):
            best[score] = np.maximum(100.0 - 100.0 * best[cost] / (EDIT * lengths), 0.0)
        self._decide(best, places[best["text"]], found)

    def _decide(self, best: pd.DataFrame, rows: Places, found: Decisions) -> None:
        """Accept the nearest company where it stands out and the list bears it."""
        kind = np.where(best["cost"] == LOOK_ALIKE * best["edits"], 0, best["edits"])
        precision = np.array([self.density.repairs[method] for method in REPAIRS])[kind]
        is_clear = ~(best["rival_cost"] - best["cost"] < MARGIN).to_numpy()
        accepted = is_clear & ~np.isnan(precision) & ((kind < 2) | best["is_long"].to_numpy())
        method = np.array(REPAIRS, dtype=object)[kind]
        right, some = best[accepted], rows[accepted]
        _accept(some, right["company"].to_numpy(), method[accepted], precision[accepted], found)
        found.steps[some], found.score[some] = right["steps"], right["score"]
        found.runner_up[some], found.runner_up_score[some] = right["rival"], right["rival_score"]
        others = best.assign(row=rows, method=method, status=np.where(is_clear, Status.UNKNOWN, Status.AMBIGUOUS))
        for each in others[~accepted].itertuples():
            ranked = [(each.company, each.score), (each.rival, each.rival_score)][: 1 + (each.rival >= 0)]
            found.quarantine(each.row, Status(each.status), ranked, each.method, each.steps)


def _accept(rows: Places, companies: Companies, methods: Any, precision: Any, found: Decisions) -> None:
    found.status[rows], found.company[rows] = Status.ACCEPTED, companies
    found.method[rows], found.precision[rows], found.score[rows] = methods, precision, 100.0


def _sorted(codes: pa.Array, companies: Companies) -> tuple[pa.Array, Companies]:
    """By code and company, without null and blank codes."""
    table = pa.table({"code": codes, "company": companies})
    table = table.filter(pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(codes), ""), False))
    table = table.sort_by([("code", "ascending"), ("company", "ascending")])
    return as_text(table["code"]), table["company"].to_numpy()


def _is_searched(keys: pa.Array) -> npt.NDArray[np.bool_]:
    return np.isin(np.asarray(pc.utf8_length(keys)), np.arange(SHORTEST_REPAIRED, LONGEST_REPAIRED + 1))


def _precision(forms: dict[str, pa.Array], companies: Companies, scheme: Scheme, density: Density) -> dict[str, float]:
    """What is expected of each form, see `CodeIndex`.

    Zeros in front say nothing of numbers and of codes of one length; of others any digit may be missing.
    """
    shares = {form: _share_of_several(forms[form], companies) for form in FORMS}
    alone = {form: 1 - max(shares[form] - shares[before], 0.0) for before, form in pairwise(("exact", *FORMS))}
    is_told = {form: share >= FORM_FLOOR for form, share in alone.items()}
    if not scheme.is_number and scheme.length is None:
        is_told["zeros"] &= density.exact >= FORM_FLOOR
    return {form: density.exact * alone[form] if is_told[form] else np.nan for form in FORMS}


def _share_of_several(codes: pa.Array, companies: Companies) -> float:
    """The share of codes that are those of several companies."""
    ids = codes.dictionary_encode().indices.to_numpy()
    owners = pd.Series(companies).groupby(ids)
    return float((owners.transform("min") != owners.transform("max")).mean()) if len(ids) else 0.0


def find_codes(texts: pa.Array, indexes: Mapping[str, CodeIndex]) -> Decisions:
    """Which company each text belongs to by a code of any scheme.

    The surest method wins, and two companies by equally sure ones are ambiguous. A code with right check digits that
    is not listed belongs to another company, whatever it is near to in other schemes. A listed CIK is no surer than
    a normalised code: as it is written it may as well be a name.
    """
    decisions = Decisions.unknown(len(texts))
    ranks = np.full(len(texts), _NONE)
    found = [index.find(texts) for index in indexes.values()]
    is_unlisted = np.logical_or.reduce([each.is_unlisted for each in found], initial=False)
    for each in found:
        rank = np.array([_RANKS.get(method, _NONE) for method in each.method], dtype=np.int64)
        is_answer = (each.status != Status.UNKNOWN) & ~(is_unlisted & (rank > _NORMALISED))
        agrees = (each.company == decisions.company) & (each.company >= 0)
        for row in map(int, np.flatnonzero(is_answer & (rank == ranks) & ~agrees)):
            said = [both.candidates[row] or [(int(both.company[row]), 100.0)] for both in (each, decisions)]
            ranked = [(company, 100.0) for company in sorted({company for pairs in said for company, _ in pairs})]
            decisions.quarantine(row, Status.AMBIGUOUS, ranked, each.method[row])
        better = np.flatnonzero(is_answer & (rank < ranks))
        decisions.put(better, each.take(better))
        ranks[better] = rank[better]
    for each in found:  # what is nearest to texts that are open is suggested
        is_nearer = np.nan_to_num(each.score, nan=-1.0) > np.nan_to_num(decisions.score, nan=-1.0)
        rows = np.flatnonzero((ranks == _NONE) & ~is_unlisted & is_nearer)
        decisions.put(rows, each.take(rows))
        decisions.method[rows] = decisions.steps[rows] = None
    decisions.is_unlisted[:] = is_unlisted & (ranks == _NONE)
    return decisions
