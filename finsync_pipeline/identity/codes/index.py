"""The listed codes of one scheme, ready to be asked which company a text belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.blocking import (
    EDIT,
    Keys,
    Pairs,
    Places,
    edits_between,
    nearest,
    near_pairs,
    repairs_in_words,
)
from finsync_pipeline.identity.codes.density import FORM_FLOOR, REPAIRS, Density, measure_density
from finsync_pipeline.identity.codes.normalization import (
    FORMS,
    Forms,
    Words,
    as_text,
    flags,
    in_latin_letters,
    joined,
    letters_read,
    plain_forms,
    search_keys,
    steps_in_words,
    take,
)
from finsync_pipeline.identity.codes.schemes import Scheme, right_check_digits
from finsync_pipeline.identity.results import Companies, Decisions, Method, Status

#: Codes of these lengths are searched for typing errors; the shortest of them are not repaired by two edits.
SHORTEST_REPAIRED, SHORTEST_REPAIRED_TWICE, LONGEST_REPAIRED = 5, 7, 32
#: The nearest company must be so much nearer than every other one, in what an edit costs.
MARGIN = 4
_MOST_EDITS = 2
_TEXTS_AT_ONCE = 500_000
_FAR = 1_000
_AS_LISTED = "as the list writes it"
_ZEROS_IN_FRONT = "zeros in front left out"


@dataclass(frozen=True, eq=False)
class CodeIndex:
    """The codes of a list, sorted, with the company of each; make it with `CodeIndex.of`.

    `forms`: the codes in each of `FORMS` (large_string). `precision`: for each form the expected share of texts that
    belong to the company whose code they are in it; nan where the form does not tell the companies of the list apart.
    `keys`: what is searched for typing errors, `rows` the place of the code that each is of.
    """

    scheme: Scheme
    companies: Companies
    forms: dict[str, pa.Array]
    precision: dict[str, float]
    keys: Keys
    rows: Places
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
        plain = plain_forms(codes, scheme)
        forms = {"exact": codes, "written": plain.written, "bare": plain.bare, "zeros": plain.zeros}
        for before, form in zip(FORMS, FORMS[1:], strict=False):
            forms[form] = forms[before] if forms[form].equals(forms[before]) else forms[form]
        keys = search_keys(plain, scheme)
        rows = _searched(keys, LONGEST_REPAIRED) if scheme.is_repaired else np.empty(0, dtype=np.int64)
        searched = Keys.of(keys if len(rows) == len(keys) else take(keys, rows))
        density = measure_density(searched, companies[rows], scheme)
        return cls(scheme, companies, forms, _precision(forms, companies, scheme, density), searched, rows, density)

    @property
    def codes(self) -> pa.Array:
        """The codes as they are listed, sorted (large_string)."""
        return self.forms["exact"]

    def find(self, texts: pa.Array) -> Decisions:
        """Which company each text (of any Arrow type of text) belongs to; unknown for null."""
        encoded = as_text(texts).dictionary_encode()
        distinct = encoded.dictionary
        found = Decisions.unknown(len(distinct) + 1)
        for start in range(0, len(distinct), _TEXTS_AT_ONCE):
            self._find_distinct(distinct[start : start + _TEXTS_AT_ONCE], start, found)
        return found.take(encoded.indices.fill_null(len(distinct)).to_numpy(zero_copy_only=False))

    def costs(self, texts: pa.Array, companies: Companies) -> npt.NDArray[np.float32]:
        """Edits (OSA, in plain form) from each text to the nearest code of the company beside it.

        0 where they only differ in how they are written; infinite beyond two edits, and for null.
        """
        texts, companies = as_text(texts).fill_null(""), np.asarray(companies, dtype=np.int32)
        costs = np.full(len(texts), np.inf, dtype=np.float32)
        pairs, rows = self._beside_codes_of(companies)
        forms = plain_forms(texts, self.scheme)
        for form in FORMS:
            one = take(texts if form == "exact" else getattr(forms, form), pairs)
            is_same = pc.and_(pc.equal(one, take(self.forms[form], rows)), pc.not_equal(one, ""))
            costs[pairs[flags(is_same)]] = 0
        if self.scheme.is_repaired:
            listed = Forms(*(take(self.forms[form], rows) for form in FORMS[1:]), steps={})
            one, other = take(search_keys(forms, self.scheme), pairs), search_keys(listed, self.scheme)
            edits = edits_between(one, other)
            is_near = edits <= _MOST_EDITS
            for keys, longest in ((one, LONGEST_REPAIRED + _MOST_EDITS), (other, LONGEST_REPAIRED)):
                is_near &= np.isin(np.arange(len(keys)), _searched(keys, longest))
            np.minimum.at(costs, pairs[is_near], edits[is_near].astype(np.float32))
        return costs

    def _beside_codes_of(self, companies: Companies) -> tuple[Places, Places]:
        """Places of texts and of codes: each text beside each code of its company."""
        order = np.flatnonzero(np.isin(self.companies, companies))
        order = order[np.argsort(self.companies[order], kind="stable")]
        first = np.searchsorted(self.companies[order], companies)
        counts = np.searchsorted(self.companies[order], companies, side="right") - first
        within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(np.arange(len(companies)), counts), order[np.repeat(first, counts) + within]

    def _find_distinct(self, texts: pa.Array, start: int, found: Decisions) -> None:
        """Decide texts that are not null, each once, whose decisions begin at `start`."""
        rows = np.arange(start, start + len(texts))
        left = np.delete(np.arange(len(texts)), self._settle(texts, "exact", Method.EXACT, rows, found))
        texts, rows = take(texts, left), rows[left]
        forms = plain_forms(texts, self.scheme)
        left = self._look_up(forms, np.full(len(rows), "", dtype=object), Method.NORMALISED, rows, found)
        is_latin = flags(pc.string_is_ascii(take(forms.bare, left)))
        foreign, left = left[~is_latin], left[is_latin]
        some, of_foreign = take(texts, foreign), rows[foreign]
        letters = np.array([letters_read(text) for text in some.to_pylist()], dtype=object)
        latin = plain_forms(in_latin_letters(some), self.scheme)
        still = self._look_up(latin, letters, Method.LOOK_ALIKE, of_foreign, found)
        keys = [search_keys(forms.take(left), self.scheme), search_keys(latin.take(still), self.scheme)]
        of_latin = joined(letters[still], steps_in_words(latin.steps["bare"][still]))
        told = np.append(steps_in_words(forms.steps["bare"][left]), of_latin)
        self._repair(pa.concat_arrays(keys), told, np.append(rows[left], of_foreign[still]), found)

    def _look_up(self, forms: Forms, letters: Words, method: Method, rows: Places, found: Decisions) -> Places:
        """Decide the texts that are listed codes in a plain form; returns the places of the others."""
        left = np.arange(len(rows))
        for form in FORMS[1:]:
            hits = self._settle(take(getattr(forms, form), left), form, method, rows[left], found)
            places, left = left[hits], np.delete(left, hits)
            told = joined(letters[places], steps_in_words(forms.steps[form][places]))
            told[told == ""] = _AS_LISTED
            found.steps[rows[places]] = told
        return left

    def _settle(self, texts: pa.Array, form: str, method: Method, rows: Places, found: Decisions) -> Places:
        """Decide the texts that are listed codes in this form; returns their places."""
        asked = pc.if_else(pc.equal(texts, ""), None, texts).dictionary_encode()
        meant = pc.index_in(self.forms[form], value_set=asked.dictionary).fill_null(-1).to_numpy(zero_copy_only=False)
        listed = np.flatnonzero(meant >= 0)
        order = listed[np.lexsort((self.companies[listed], meant[listed]))]
        ids = asked.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        first = np.searchsorted(meant[order], ids)
        last = np.searchsorted(meant[order], ids, side="right") - 1
        hits = np.flatnonzero(first <= last)
        owners = self.companies[order]
        one, other = owners[first[hits]], owners[last[hits]]
        is_told = (one == other) & ~np.isnan(self.precision[form])
        _accept(rows[hits[is_told]], one[is_told], method, self.precision[form], found)
        for hit in np.flatnonzero(~is_told):
            place = hits[hit]
            companies = np.unique(owners[first[place] : last[place] + 1])
            status = Status.UNKNOWN if len(companies) == 1 else Status.AMBIGUOUS
            found.quarantine(rows[place], status, [(int(company), 100.0) for company in companies], method)
        return hits

    def _repair(self, keys: pa.Array, told: Words, rows: Places, found: Decisions) -> None:
        """Decide the texts whose keys are near to a listed one; `told` are the steps so far of each."""
        is_unlisted = right_check_digits(keys, self.scheme.name)
        found.is_unlisted[rows[is_unlisted]] = True
        places = _searched(keys, LONGEST_REPAIRED + _MOST_EDITS)
        places = places[~is_unlisted[places]]
        if len(places) and len(self.rows):
            keys, told, rows = take(keys, places), told[places], rows[places]
            pairs = near_pairs(keys, self.keys, self.density.reach)
            companies = self.companies[self.rows[pairs.keys]]
            best, rival = nearest(pairs, companies)
            texts = pairs.texts[best]
            read = repairs_in_words(take(keys, texts), take(self.keys.texts, pairs.keys[best]))
            if self.scheme.is_number:
                read[read == ""] = _ZEROS_IN_FRONT
            steps = joined(told[texts], read)
            steps[steps == ""] = _AS_LISTED
            self._decide_near(_Near(keys, pairs, companies, best, rival), steps, rows[texts], found)

    def _decide_near(self, near: _Near, steps: Words, rows: Places, found: Decisions) -> None:
        """Accept the nearest company where it stands out and the list bears it."""
        kind = np.where(near.pairs.is_alike, 0, near.pairs.edits)[near.best]
        precision = np.array([self.density.precision[method] for method in REPAIRS])[kind]
        is_clear = near.cost_of(near.rival) - near.cost_of(near.best) >= MARGIN
        is_borne = ~np.isnan(precision) & ((kind < 2) | (near.shorter(self.keys) >= SHORTEST_REPAIRED_TWICE))
        (company, score), (other, other_score) = near.ranked(near.best), near.ranked(near.rival)
        accepted = is_clear & is_borne
        methods = np.array(REPAIRS, dtype=object)[kind]
        some = rows[accepted]
        _accept(some, company[accepted], methods[accepted], precision[accepted], found)
        found.steps[some], found.score[some] = steps[accepted], score[accepted]
        found.runner_up[some], found.runner_up_score[some] = other[accepted], other_score[accepted]
        for at in np.flatnonzero(~accepted):
            ranked = [(int(company[at]), float(score[at])), (int(other[at]), float(other_score[at]))]
            status = Status.UNKNOWN if is_clear[at] else Status.AMBIGUOUS
            found.quarantine(rows[at], status, [pair for pair in ranked if pair[0] >= 0], methods[at], steps[at])


@dataclass(frozen=True, eq=False)
class _Near:
    """Texts and the codes near to them: of each text that has some the places of the best pair and of its rival's."""

    keys: pa.Array
    pairs: Pairs
    companies: Companies
    best: Places
    rival: Places

    def cost_of(self, places: Places) -> Places:
        """The cost of these pairs; too high to count for -1."""
        return np.append(self.pairs.costs, _FAR)[places]

    def shorter(self, keys: Keys) -> Places:
        """The length of the text or of its best code, whichever is shorter."""
        sides = take(self.keys, self.pairs.texts[self.best]), take(keys.texts, self.pairs.keys[self.best])
        return np.minimum(*(pc.utf8_length(side).to_numpy(zero_copy_only=False) for side in sides))

    def ranked(self, places: Places) -> tuple[Companies, npt.NDArray[np.float64]]:
        """The company of these pairs, and 100 less the share of the text that the cost stands for; -1 and nan for -1."""
        lengths = pc.utf8_length(take(self.keys, self.pairs.texts[self.best])).to_numpy(zero_copy_only=False)
        score = np.maximum(100.0 - 100.0 * self.cost_of(places) / (EDIT * lengths), 0.0)
        return np.append(self.companies, np.int32(-1))[places], np.where(places < 0, np.nan, score)


def _accept(
    rows: Places, companies: Companies, methods: Any, precision: npt.NDArray[np.float64] | float, found: Decisions
) -> None:
    found.status[rows], found.company[rows] = Status.ACCEPTED, companies
    found.method[rows], found.precision[rows], found.score[rows] = methods, precision, 100.0


def _sorted(codes: pa.Array, companies: Companies) -> tuple[pa.Array, Companies]:
    """Each code and company once, by code and company, without null and blank ones."""
    table = pa.table({"code": codes, "company": companies})
    table = table.filter(pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(codes), ""), False))
    table = table.sort_by([("code", "ascending"), ("company", "ascending")])
    codes, companies = as_text(table["code"]), table["company"].to_numpy()
    is_repeated = flags(pc.equal(codes[1:], codes[:-1])) & (companies[1:] == companies[:-1])
    kept = np.delete(np.arange(len(codes)), np.flatnonzero(is_repeated) + 1)
    return (take(codes, kept), companies[kept]) if is_repeated.any() else (codes, companies)


def _searched(keys: pa.Array, longest: int) -> Places:
    """The places of keys that are neither too short nor too long to be searched."""
    lengths = pc.binary_length(keys).to_numpy(zero_copy_only=False)
    return np.flatnonzero((lengths >= SHORTEST_REPAIRED) & (lengths <= longest))


def _precision(forms: dict[str, pa.Array], companies: Companies, scheme: Scheme, density: Density) -> dict[str, float]:
    """What is expected of each form, see `CodeIndex`.

    Zeros in front say nothing of numbers and of codes of one length; of others any digit may be missing.
    """
    precision: dict[str, float] = {}
    shares = {id(codes): _share_of_several(codes, companies) for codes in {id(c): c for c in forms.values()}.values()}
    for before, form in zip(("exact", *FORMS), FORMS, strict=False):
        alone = 1 - max(shares[id(forms[form])] - shares[id(forms[before])], 0.0)
        says_nothing = form != "zeros" or scheme.is_number or scheme.length is not None or density.exact >= FORM_FLOOR
        precision[form] = density.exact * alone if alone >= FORM_FLOOR and says_nothing else np.nan
    return precision


def _share_of_several(codes: pa.Array, companies: Companies) -> float:
    """The share of codes that are those of several companies."""
    ids = codes.dictionary_encode().indices.to_numpy()
    lowest, highest = np.full(len(ids), np.iinfo(np.int32).max, dtype=np.int32), np.full(len(ids), -1, dtype=np.int32)
    np.minimum.at(lowest, ids, companies)
    np.maximum.at(highest, ids, companies)
    return float((lowest != highest)[ids].mean()) if len(ids) else 0.0
