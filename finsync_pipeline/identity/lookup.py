"""One spelling looked up in the list: the companies that answer to it without any guess at a typo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from finsync_pipeline.identity.index import NAME_FORMS, Claim, ListedNames, companies_of, fold_id
from finsync_pipeline.identity.normalise import (
    NameForms,
    fold_blanks,
    normalise_cik,
    normalise_name,
    normalise_ticker,
)

#: A name that is one word, and shorter than this, is not taken for a longer listed one.
SHORTEST_SHORTENED = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """The companies that answer to a spelling, sorted, and by which step; more than one is ambiguous.

    A `settled` answer is a dated alias that says this very spelling: it is not weighed against other steps.
    """

    companies: tuple[str, ...]
    method: str
    settled: bool = False


def look_up(spelling: str, day: date, listed: ListedNames) -> Answer | None:
    """Who answers to a spelling on that day; null where nobody does.

    An id answers before anything else, then a dated alias that says this very spelling. A name, a CIK and a
    ticker are weighed together: where they are different companies', all of them answer.
    """
    by_id = look_up_id(spelling, listed)
    if by_id is not None and by_id.method == "exact":
        return by_id
    steps = [
        look_up_name(spelling, day, listed),
        look_up_cik(spelling, listed),
        by_id,
        look_up_ticker(spelling, day, listed),
    ]
    answers = [answer for answer in steps if answer is not None]
    answers = [answer for answer in answers if answer.settled] or answers
    if not answers:
        return None
    companies = {company for answer in answers for company in answer.companies}
    return Answer(tuple(sorted(companies)), answers[0].method)


def look_up_id(spelling: str, listed: ListedNames) -> Answer | None:
    """By company_id as it is listed, by LEI, by company_id in other case, blanks or zero padding."""
    if spelling in listed.ids:
        return Answer((spelling,), "exact")
    lei = fold_blanks(spelling).upper()
    if lei in listed.leis:
        return Answer(tuple(sorted(set(listed.leis[lei]))), "exact")
    folded = listed.folded_ids.get(fold_id(fold_blanks(spelling)))
    return Answer(tuple(sorted(folded)), "normalised") if folded else None


def look_up_cik(spelling: str, listed: ListedNames) -> Answer | None:
    """By CIK, padded or not, labelled or not."""
    cik = normalise_cik(spelling)
    companies = listed.ciks.get(cik) if cik is not None else None
    return Answer(tuple(sorted(set(companies))), "cik") if companies else None


def look_up_ticker(spelling: str, day: date, listed: ListedNames) -> Answer | None:
    """By ticker, whatever its case and the separator of its share class.

    A spelling in mixed case that begins another company's name may be that name as well.
    """
    ticker = normalise_ticker(spelling)
    claims = [c for c in listed.tickers.get(ticker, ()) if c.is_in_force(day)] if ticker is not None else []
    if not claims:
        return None
    answer = _prefer_dated(claims, "ticker")
    if spelling.isupper() or spelling.islower():
        return answer
    named = listed.first_words.get(normalise_name(spelling).joined, set())
    return Answer(tuple(sorted({*answer.companies, *named})), answer.method, answer.settled)


def look_up_name(spelling: str, day: date, listed: ListedNames) -> Answer | None:
    """By name or alias in force on that day, in the most literal form in which the spelling is one.

    A dated alias answers before a name that is only alike, and before the same name without dates.
    """
    forms = normalise_name(spelling)
    literal = listed.names_like(forms, "literal", day)
    if literal:
        exact = any(claim.text == spelling and not claim.is_alias for claim in literal)
        return _prefer_dated(literal, "exact" if exact else "normalised")
    by_form = {form: listed.names_like(forms, form, day) for form in NAME_FORMS[1:-1]}
    for claims in by_form.values():
        if any(claim.is_dated for claim in claims):
            return _prefer_dated(claims, "normalised", literal=False)
    for claims in by_form.values():
        if claims:
            return _prefer_dated(claims, "normalised", literal=False)
    return _look_up_shortened(forms, day, listed)


def _look_up_shortened(forms: NameForms, day: date, listed: ListedNames) -> Answer | None:
    """By a longer name whose end a spelling may leave out; a single word must be that company's own."""
    if not forms.is_bare or len(forms.joined) < SHORTEST_SHORTENED:
        return None
    claims = listed.names_like(forms, "short", day)
    companies = companies_of(claims)
    if len(forms.core) == 1 and any(listed.is_word_of_others(forms.core[0], company) for company in companies):
        return None
    return _prefer_dated(claims, "normalised", literal=False) if claims else None


def _prefer_dated(claims: list[Claim], method: str, *, literal: bool = True) -> Answer:
    """The companies of dated aliases where there are any, else of all claims."""
    dated = [claim for claim in claims if claim.is_dated]
    if dated:
        return Answer(tuple(companies_of(dated)), "alias", settled=literal)
    only_aliases = all(claim.is_alias for claim in claims)
    return Answer(tuple(companies_of(claims)), "alias" if only_aliases else method)
