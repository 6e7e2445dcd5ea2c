"""The listed codes in every form in which they are looked up."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from finsync_pipeline.identity.codes.bytes_of import Flags, Ints, large_text, matrix_of, replaced, take
from finsync_pipeline.identity.codes.joins import Strings
from finsync_pipeline.identity.codes.look_alikes import in_latin_letters
from finsync_pipeline.identity.codes.schemes import Scheme
from finsync_pipeline.identity.codes.writing import fold, with_zeros_back, without_leading_zeros

Companies = npt.NDArray[np.int32]

#: Codes of these lengths are searched for typing errors.
SHORTEST_REPAIRED, LONGEST_REPAIRED = 5, 32
#: Texts may be longer by two characters.
LONGEST_SEARCHED = LONGEST_REPAIRED + 2
#: The forms of a code by which it is looked up, the most literal first.
FORMS = ("exact", "written", "bare", "zeros")


@dataclass(frozen=True)
class Listed:
    """Codes sorted by text, the company of each, and their forms (large_string, as long as the codes).

    `keys` are what texts are compared with for typing errors; `rows` tells which code each key is of.
    """

    scheme: Scheme
    companies: Companies
    forms: dict[str, pa.Array]
    keys: Strings
    rows: Ints

    @classmethod
    def of(cls, codes: pa.Array, companies: Companies, scheme: Scheme) -> Listed:
        """Null and blank codes are left out, and what is listed twice for the same company."""
        codes, companies = _sorted(large_text(codes), np.asarray(companies, dtype=np.int32))
        folded = fold(codes, scheme)
        forms = {
            "exact": codes,
            "written": folded.written,
            "bare": folded.bare,
            "zeros": zeros_form(folded.bare, scheme),
        }
        for before, form in pairwise(FORMS):
            if forms[form].equals(forms[before]):
                forms[form] = forms[before]
        return cls.with_keys(scheme, companies, forms)

    @classmethod
    def with_keys(cls, scheme: Scheme, companies: Companies, forms: dict[str, pa.Array]) -> Listed:
        """With the keys made of the forms."""
        keys, rows = comparable(search_keys(forms, scheme), LONGEST_REPAIRED)
        return cls(scheme, companies, forms, keys.cut() if scheme.is_repaired else keys, rows)

    def __len__(self) -> int:
        return len(self.companies)

    def ambiguity(self, form: str) -> float:
        """Share of the codes that another company's code equals in this form, but in no more literal one."""
        before = FORMS[FORMS.index(form) - 1]
        if self.forms[form] is self.forms[before] or len(self) == 0:
            return 0.0
        return max(_shared(self.forms[form], self.companies) - _shared(self.forms[before], self.companies), 0) / len(
            self
        )


def forms_of(texts: pa.Array, scheme: Scheme) -> tuple[dict[str, pa.Array], Ints, Ints]:
    """The forms of texts other than the exact one, the steps to `written` and those to `bare`."""
    folded = fold(texts, scheme)
    forms = {"written": folded.written, "bare": folded.bare, "zeros": zeros_form(folded.bare, scheme)}
    return forms, folded.outer.astype(np.int64), folded.steps.astype(np.int64)


def zeros_form(bare: pa.Array, scheme: Scheme) -> pa.Array:
    """Bare codes as they are compared without regard to zeros in front."""
    if scheme.keeps_dots:
        return bare
    return without_leading_zeros(bare) if scheme.length is None else with_zeros_back(bare, scheme.length)


def search_keys(forms: dict[str, pa.Array], scheme: Scheme) -> pa.Array:
    """What is compared for typing errors: Latin letters, one byte for each character."""
    keys = forms["zeros" if scheme.is_number or scheme.length is not None else "bare"]
    if scheme.is_number:
        keys = pc.replace_substring_regex(keys, "^[0OQD]+(.+)$", r"\1")
    foreign = np.flatnonzero(~pc.string_is_ascii(keys).to_numpy(zero_copy_only=False))
    if len(foreign) == 0:
        return keys
    latin = in_latin_letters(take(keys, foreign))
    latin = pc.replace_substring_regex(latin, r"[^\x00-\x7f]", "\x7f")
    return replaced(keys, foreign, latin)


def comparable(keys: pa.Array, longest: int) -> tuple[Strings, Ints]:
    """Keys that are long enough and no longer than `longest`, and their rows."""
    lengths = pc.binary_length(keys).to_numpy(zero_copy_only=False)
    rows = np.flatnonzero((lengths >= SHORTEST_REPAIRED) & (lengths <= longest))
    some = keys if len(rows) == len(keys) else take(keys, rows)
    return Strings.of(*matrix_of(some, int(lengths[rows].max(initial=1)))), rows


def _sorted(codes: pa.Array, companies: Companies) -> tuple[pa.Array, Companies]:
    table = pa.table({"code": codes, "company": companies})
    filled = pc.greater(pc.binary_length(codes), 0)
    if codes.null_count or not pc.all(filled).as_py():
        table = table.filter(filled)
    table = table.sort_by([("code", "ascending"), ("company", "ascending")]).combine_chunks()
    codes, companies = large_text(table["code"]), table["company"].to_numpy()
    repeated = pc.equal(codes[1:], codes[:-1]).to_numpy(zero_copy_only=False) & (companies[1:] == companies[:-1])
    if repeated.any():
        kept = np.flatnonzero(~np.append(False, repeated))
        codes, companies = take(codes, kept), companies[kept]
    return codes, companies


def _shared(forms: pa.Array, companies: Companies) -> int:
    """How many rows have a form that is another company's too."""
    ids = forms.dictionary_encode().indices.to_numpy()
    lowest = np.full(int(ids.max(initial=0)) + 1, np.iinfo(np.int32).max, dtype=np.int32)
    highest = np.full(len(lowest), -1, dtype=np.int32)
    np.minimum.at(lowest, ids, companies)
    np.maximum.at(highest, ids, companies)
    shared: Flags = (lowest != highest)[ids]
    return int(shared.sum())
