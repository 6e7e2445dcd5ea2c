"""Which listed names a source's name matches: the whole name, one that the list has longer, one with a word mistyped.

Kinds of match are tried from the surest on, and the first that finds any is the answer. How the matches of names, codes
and tickers are weighed is in `texts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from rapidfuzz.fuzz import ratio
from rapidfuzz.process import extract

from finsync_pipeline.identity.names.name_index import NameIndex, NameRecord, forms_agree, may_agree
from finsync_pipeline.identity.names.normal_form import LEGAL_FORMS, NameForms, normalise_name, other_readings
from finsync_pipeline.identity.names.typos import find_mistyped, is_numeral
from finsync_pipeline.identity.names.words import GENERAL_WORDS
from finsync_pipeline.identity.results import Candidates, Match, Method

#: In how far a whole name is equal, the most literal first.
LITERAL, LIGHT, CORE, JOINED, ORDERED, READ = range(6)
_IGNORED = {
    LITERAL: "case and blanks ignored",
    LIGHT: "punctuation, accents and abbreviations ignored",
    CORE: "the name without legal form and article",
    JOINED: "words joined",
    ORDERED: "order of words ignored",
}
#: The share of right decisions to expect, by how far the whole name is equal; then of a shortened name.
PRECISION = {LITERAL: 1.0, LIGHT: 1.0, CORE: 0.9995, JOINED: 0.9995, ORDERED: 0.999, READ: 0.999}
PRECISION_OF_SHORTENED = 0.995
#: Of one whose legal form is not that of the list, though it does not contradict it.
PRECISION_IN_DOUBT = 0.99

#: A beginning that more names than this have in common tells none of them.
_MOST_WITH_ONE_BEGINNING = 200
#: A name is not taken for a longer one if it has fewer letters.
_SHORTEST_SHORTENED = 5
#: Longest list in which names are compared one by one; most names that are suggested; least similarity of these.
_MOST_COMPARED, _MOST_NEAREST, _LEAST_SIMILAR = 20_000, 5, 75.0

Equal = tuple[int, NameRecord, str]


def find_names(text: str, day: date, index: NameIndex) -> list[Match]:
    """The listed names that a text matches on a day, all by the surest kind; several companies are ambiguous."""
    forms = normalise_name(text)
    equal = list(_equal(forms, day, index))
    agreeing = [each for each in equal if each[0] <= LIGHT or forms_agree(forms, each[1], index)]
    agreeing = agreeing or [
        (READ, record, how)
        for reading, how in other_readings(forms)
        for _, record, _ in _equal(reading, day, index)
        if bool(reading.families) == bool(record.forms.families) and forms_agree(reading, record, index)
    ]
    if agreeing:
        return [_whole(text, forms, each) for each in _surest(agreeing)]
    if doubtful := [each for each in equal if may_agree(forms, each[1])]:
        return [replace(_whole(text, forms, each), precision=PRECISION_IN_DOUBT, is_doubtful=True) for each in doubtful]
    if equal:
        others = dict.fromkeys((record.company, _legal_forms_in_words(forms, record)) for _, record, _ in equal)
        return [Match(company, Method.LEGAL_FORM, f"the same name{told}", suffices=False) for company, told in others]
    return _shortened(forms, day, index) or find_mistyped(forms, day, index)


def nearest_names(text: str, day: date, index: NameIndex) -> Candidates:
    """The companies whose names are most similar to a text, with their scores, for people to look at.

    None in a list so long that it would take too much time.
    """
    core = " ".join(normalise_name(text).core)
    if not core or len(index.records) > _MOST_COMPARED:
        return []
    found = extract(core, index.cores, scorer=ratio, score_cutoff=_LEAST_SIMILAR, limit=3 * _MOST_NEAREST)
    best: dict[int, float] = {}
    for _, score, number in found:
        record = index.records[number]
        if record.is_in_force(day):
            best[record.company] = max(round(score, 4), best.get(record.company, 0))
    return sorted(best.items(), key=lambda pair: (-pair[1], pair[0]))[:_MOST_NEAREST]


def companies_beginning_with(text: str, day: date, index: NameIndex) -> set[int]:
    """The companies whose name begins with this text."""
    word = normalise_name(text).joined
    records = index.in_force(index.beginnings.numbers_of(word).tolist(), day)
    return {record.company for record in records if word in record.forms.beginnings()}


def _equal(forms: NameForms, day: date, index: NameIndex) -> Iterator[Equal]:
    """The names with the same core, and in how far they are equal, whatever their legal forms."""
    if not forms.joined:
        return  # nothing but signs: no two of them are alike
    numbers = {*index.joined.numbers_of(forms.joined).tolist(), *index.ordered.numbers_of(forms.ordered).tolist()}
    for record in index.in_force(sorted(numbers), day):
        other = record.forms
        if forms.literal == other.literal:
            yield LITERAL, record, _IGNORED[LITERAL]
        elif forms.light == other.light:
            yield LIGHT, record, _IGNORED[LIGHT]
        elif forms.joined == other.joined:
            rank = CORE if forms.core == other.core else JOINED
            yield rank, record, _IGNORED[rank]
        elif forms.ordered == other.ordered and (
            len(forms.core) > 2 or index.has_own_word(forms.core, record.company)  # "Green Oak" is not "Oak Green"
        ):
            yield ORDERED, record, _IGNORED[ORDERED]


def _surest(equal: Sequence[Equal]) -> list[Equal]:
    """The most literal ones; but of a name that is only alike, or has no dates, a dated alias goes before."""
    first = min(rank for rank, _, _ in equal)
    literal = [each for each in equal if each[0] == first]
    dated = [each for each in equal if each[1].is_dated]
    if not dated or (first == LITERAL and not any(record.is_dated for _, record, _ in literal)):
        return literal
    first = min(rank for rank, _, _ in dated)
    return [each for each in dated if each[0] == first]


def _whole(text: str, forms: NameForms, equal: Equal) -> Match:
    rank, record, ignored = equal
    is_same = record.text.strip() == text.strip()
    method = Method.ALIAS if record.is_alias else Method.EXACT if is_same else Method.NORMALISED
    steps = None if is_same else ignored + _legal_forms_in_words(forms, record)
    is_conclusive = rank == LITERAL and record.is_dated
    return Match(record.company, method, steps, precision=PRECISION[rank], is_conclusive=is_conclusive)


def _legal_forms_in_words(forms: NameForms, record: NameRecord) -> str:
    said, listed = forms.families, record.forms.families
    if said == listed or not said:
        return ""
    return f"; legal form {' or '.join(sorted(said))}, listed {' or '.join(sorted(listed)) or 'none'}"


def _shortened(forms: NameForms, day: date, index: NameIndex) -> list[Match]:
    """Names that the list has longer: by a tail that may be left out, else by other words, or letters of initials."""
    spaced = " ".join(forms.core)
    beginnings = index.beginnings.numbers_of(forms.joined)
    if forms.families or len(forms.joined) < _SHORTEST_SHORTENED or len(beginnings) > _MOST_WITH_ONE_BEGINNING:
        return []  # with its legal form a name is written in full; what many names begin with tells none of them
    keys = (beginnings, index.ordered.numbers_of(forms.ordered), index.beginnings.numbers_of(spaced))
    by_tail, by_words = [], []
    for record in index.in_force(sorted({number for numbers in keys for number in numbers.tolist()}), day):
        said = next((n for n, key in enumerate(record.forms.beginnings(), 1) if key == forms.joined), 0)
        is_longer = len(record.forms.core) > len(forms.core)
        is_tail = record.forms.tailless == forms.ordered or (said and record.forms.adds_only_tails_to(said))
        if is_longer and is_tail and (len(forms.core) > 1 or index.has_own_word(forms.core, record.company)):
            by_tail.append(_short(forms, record))
        elif (said and _may_be_shortened(record, said, index)) or (
            spaced in record.forms.with_initials() and index.has_own_word(forms.core[1:], record.company)
        ):
            by_words.append(_short(forms, record))
    return by_tail or by_words


def _may_be_shortened(record: NameRecord, said: int, index: NameIndex) -> bool:
    """Whether a name may be called by its first words.

    One of them must be nobody else's, or the words left out general; of a single one both. Numbers tell funds apart,
    and the beginning of a partnership's name is its parent's.
    """
    first, left_out = record.forms.core[:said], record.forms.core[said:]
    families = [LEGAL_FORMS.families[name] for name in record.forms.families]
    if (families and not any(each.is_share_company for each in families)) or any(map(is_numeral, left_out)):
        return False
    is_own = index.has_own_word(first, record.company)
    is_general = set(left_out) <= GENERAL_WORDS
    return is_own and is_general if said == 1 else is_own or is_general


def _short(forms: NameForms, record: NameRecord) -> Match:
    core = record.forms.core
    steps = f"taken as short for {' '.join(core)!r}"
    score = round(ratio(" ".join(forms.core), " ".join(core)), 4)
    return Match(record.company, Method.SHORTENED, steps, score, PRECISION_OF_SHORTENED)
