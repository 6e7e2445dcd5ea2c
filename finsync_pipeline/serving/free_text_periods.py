"""Rules of free text for periods, currencies and how many companies: `in 2009`, `quarterly`, `in euros`, `top 10`."""

from collections.abc import Mapping

import pycountry

from finsync_pipeline.serving.free_text_conditions import CURRENCY_SIGNS
from finsync_pipeline.serving.free_text_words import Choice, Found, Part, Words, phrases
from finsync_pipeline.serving.screen_words import LENGTHS
from finsync_pipeline.serving.text_tokens import COUNTS, plain_number

FIRST_YEAR, LAST_YEAR = 1900, 2100
MOST_YEARS = 30
BEFORE_YEAR = frozenset(["in", "for", "of", "during", "the", "year", "years", "fiscal", "financial", "fy"])
FISCAL = frozenset({"fiscal", "financial", "fy"})
FROM = frozenset({"since", "after", "from"})
UNTIL = frozenset({"before", "until", "till", "to"})
FIRST_DAY, LAST_DAY = "1900-01-01", "2100-12-31"
LENGTH_WORDS = phrases({
    "annual|annually|yearly|per year|12 months|twelve months|full year|full years": 12,
    "quarterly|quarters|per quarter|in the quarter|quarter|3 months|three months": 3,
    "half year|half - year|half - yearly|6 months|six months|semiannual": 6,
    "9 months|nine months": 9,
})  # fmt: skip
ORDINALS = {"first": 1, "1": 1, "second": 2, "2": 2, "third": 3, "3": 3, "fourth": 4, "4": 4}
QUARTER_DAYS = {1: ("01-01", "03-31"), 2: ("04-01", "06-30"), 3: ("07-01", "09-30"), 4: ("10-01", "12-31")}
CURRENCY_WORDS: Mapping[tuple[str, ...], str] = {
    **phrases({
        "us dollar|us dollars|dollar|dollars|usd|us $": "USD", "euro|euros|eur": "EUR",
        "pound|pounds|sterling|gbp": "GBP",
        "yen|jpy": "JPY", "rupee|rupees|inr": "INR", "swiss franc|swiss francs|franc|francs|chf": "CHF",
        "yuan|renminbi|cny|rmb": "CNY",
    }),
    **{(sign,): code for sign, code in CURRENCY_SIGNS.items()},
}  # fmt: skip
COMPANIES = frozenset(["companies", "firms", "corporations", "rows", "results", "company"])


def years(words: Words, place: int) -> Found | None:
    """`in 2009`, `fiscal year 2009`, `2007 to 2009`, `in calendar 2009`, `since 2008`."""
    at = words.skip(place, BEFORE_YEAR)
    is_calendar = words.lower(at) == "calendar"
    at = words.skip(at + 1, BEFORE_YEAR) if is_calendar else at
    if not is_calendar and (opened := _open_years(words, place)):
        return opened
    at += words.lower(at) == "between"
    first = _year(words, at)
    if first is None:
        return None
    listed, after = _listed_years(words, at, first)
    if len(listed) > MOST_YEARS or listed != sorted(listed):
        return Found(after, problem="years are listed from the earlier to the later one")
    is_fiscal = any(words.lower(each) in FISCAL for each in range(place, at))
    return Found(after, (_years_part(words, place, after, listed, is_calendar, is_fiscal),))


def _years_part(words: Words, place: int, after: int, listed: list[int], is_calendar: bool, is_fiscal: bool) -> Part:
    shown = str(listed[0]) if len(listed) == 1 else ", ".join(map(str, listed))
    fiscal = Choice(f"fiscal year {shown}, by the year end of the company", {"fiscal_years": list(map(str, listed))})
    calendar = Choice(
        f"periods that end in the calendar year {shown}", {"period_end": [f"{listed[0]}-01-01...{listed[-1]}-12-31"]}
    )
    is_run = listed == list(range(listed[0], listed[-1] + 1))
    if is_calendar:
        return words.part(place, after, calendar.meaning, calendar.changes, others=(fiscal,))
    others = (calendar,) if is_run and not is_fiscal else ()
    return words.part(place, after, fiscal.meaning, fiscal.changes, others=others)


def _listed_years(words: Words, at: int, first: int) -> tuple[list[int], int]:
    """The years from this place on, and the place after them: `2007 to 2009`, `2007, 2008 and 2009`."""
    listed, after = [first], at + 1
    while words.lower(after) in ("and", "or", ",", "to", "-", "\u2013", "until"):
        following = _year(words, after + 1)
        if following is None:
            break
        is_run = words.lower(after) not in ("or", ",") and (
            words.lower(after) != "and" or words.lower(at - 1) == "between"
        )
        listed += range(listed[-1] + 1, following + 1) if is_run and following > listed[-1] else [following]
        after += 2
    return listed, after


def _open_years(words: Words, place: int) -> Found | None:
    """`since 2008`, `before 2010`."""
    word, year = words.lower(place), _year(words, place + 1)
    if year is None or word not in FROM | UNTIL or _year(words, place + 3):
        return None
    if word in FROM:
        first = f"{year + (word == 'after')}-01-01"
        return Found(place + 2, (words.part(place, place + 2, f"periods that end on or after {first}",
                                            {"period_end": [f"{first}...{LAST_DAY}"]}),))  # fmt: skip
    last = f"{year - (word == 'before')}-12-31"
    return Found(place + 2, (words.part(place, place + 2, f"periods that end on or before {last}",
                                        {"period_end": [f"{FIRST_DAY}...{last}"]}),))  # fmt: skip


def quarter(words: Words, place: int) -> Found | None:
    """`Q4 2009`, `in the 4th quarter of 2009`: a quarter of the calendar."""
    at = words.skip(place, ("in", "for", "of", "during", "the"))
    if words.lower(at) == "q" and words.lower(at + 1) in ("1", "2", "3", "4"):
        number, after = int(words.lower(at + 1)), at + 2
    elif words.lower(at) in ORDINALS:
        number, after = ORDINALS[words.lower(at)], at + 1
        after += words.lower(after) in ("st", "nd", "rd", "th")
        if words.lower(after) != "quarter":
            return None
        after += 1
    elif (year := _year(words, at)) and words.lower(at + 1) == "q" and words.lower(at + 2) in ("1", "2", "3", "4"):
        return _quarter_part(words, place, at + 3, year, int(words.lower(at + 2)))
    else:
        return None
    year = _year(words, words.skip(after, ("of", "in")))
    if year is None:
        return Found(after, problem="of which year? Write Q4 2009")
    return _quarter_part(words, place, words.skip(after, ("of", "in")) + 1, year, number)


def _quarter_part(words: Words, place: int, after: int, year: int, number: int) -> Found:
    first, last = QUARTER_DAYS[number]
    meaning = f"three months that end in quarter {number} of the calendar year {year}"
    changes = {"months": ["3"], "period_end": [f"{year}-{first}...{year}-{last}"]}
    return Found(after, (words.part(place, after, meaning, changes),))


def length(words: Words, place: int) -> Found | None:
    """`quarterly`, `six months`."""
    if found := words.match(place, LENGTH_WORDS):
        months, after = found
        return Found(after, (words.part(place, after, f"periods of {LENGTHS[months]}", {"months": [str(months)]}),))
    return None


def currency(words: Words, place: int) -> Found | None:
    """`in euros`, `USD`, `$`."""
    at = words.skip(place, ("in", "of"))
    code, after = words.match(at, CURRENCY_WORDS) or (_code(words, at), at + 1)
    if not code:
        return None
    return Found(after, (words.part(place, after, f"amounts in {code}", {"currency": [code]}),))


def _code(words: Words, place: int) -> str:
    text = words.tokens[place].text if words.kind(place) == "word" else ""
    is_code = len(text) == 3 and text.isupper() and text.isascii() and pycountry.currencies.get(alpha_3=text)
    return text if is_code else ""


def limit(words: Words, place: int) -> Found | None:
    """`10 companies`, `first 10`."""
    at = words.skip(place, ("first", "limit", "only"))
    count = count_at(words, at)
    if count is None or (words.lower(at + 1) not in COMPANIES and at == place):
        return None
    after = at + 1 + (words.lower(at + 1) in COMPANIES)
    return Found(after, (words.part(place, after, f"{count} companies", {"limit": [str(count)]}),))


def count_at(words: Words, place: int) -> int | None:
    """The number of companies that the token stands for, if it does."""
    if words.kind(place) == "number":
        number = plain_number(words.lower(place))
        return int(number) if number is not None and 1 <= number <= 10_000 and number == int(number) else None
    return COUNTS.index(words.lower(place)) or None if words.lower(place) in COUNTS else None


def _year(words: Words, place: int) -> int | None:
    text = words.lower(place)
    is_year = words.kind(place) == "number" and len(text) == 4 and text.isascii() and text.isdigit()
    return int(text) if is_year and FIRST_YEAR <= int(text) <= LAST_YEAR else None
