"""Rules of free text for conditions on items: `net income above 1 bn`, `over 2 crore in sales`, `goodwill missing`."""

from finsync_pipeline.serving.free_text_words import FILLERS, SEPARATORS, Choice, Found, Words, phrases
from finsync_pipeline.serving.item_words import MeantItem
from finsync_pipeline.serving.screen_words import OF_MEAN, OF_PERIODS, containing, in_full, name_words
from finsync_pipeline.serving.text_tokens import amount_at
from finsync_pipeline.serving.written_numbers import EXAMPLES, plain

COMPARISONS = phrases({
    "above|over|more than|greater than|larger than|bigger than|higher than|exceeds|exceed|exceeding|beyond|>": ">",
    "at least|minimum|min|not less than|no less than|not below|not under|>=|\u2265": ">=",
    "below|under|less than|smaller than|lower than|fewer than|<": "<",
    "at most|up to|maximum|max|not more than|no more than|not above|not over|<=|\u2264": "<=",
    "equals|equal to|equal|exactly|=|==": "=",
    "not equal to|!=|<>|\u2260": "!=",
})  # fmt: skip
AFTER_AMOUNT = phrases({
    "or more|and more|or higher|or above|and above|and up|or over|+": ">=",
    "or less|or lower|or below|and below|or under": "<=",
})  # fmt: skip
ABSENT = phrases({
    "missing|not available|unavailable|unknown|empty|absent|not known|not reported|not published|not there": "is null",
    "not missing|present|available|known|reported|published|there": "is not null",
})  # fmt: skip
SIGNS = phrases({"negative": "<", "positive": ">"})
BEFORE_ITEM = phrases({"missing|without|no|lacking": "is null", "reporting": "is not null"})
ADJECTIVES = phrases({
    "profitable": ("net_income", ">"), "loss making|unprofitable|loss - making": ("net_income", "<"),
})  # fmt: skip
SCOPES = phrases({
    "before the mean|before averaging|before the average|before mean|in each period|in every period|per period|"
    "in each year|in every year|every year|each year|every period|each period|each quarter|every quarter|"
    "in each quarter|in every quarter": "where_periods",
    "after the mean|after averaging|after the average|on average|on the mean|after mean": "where",
})  # fmt: skip
IS = frozenset(["is", "are", "was", "were", "be", "being", "of", "has", "have"])
CURRENCY_SIGNS = {"$": "USD", "\u20ac": "EUR", "\u00a3": "GBP", "\u00a5": "JPY", "\u20b9": "INR"}
RANGE = frozenset({"and", "to", "-", "\u2013", "until"})


def condition(words: Words, place: int) -> Found | None:
    """A condition that begins with an item: compared with an amount, within two, missing, or of a sign."""
    if (named := words.item(place)) is None:
        return None
    meant, after_item = named
    at = words.skip(after_item, IS)
    if found := words.match(at, ABSENT):
        return _made(words, place, found[1], meant, found[0])
    if found := words.match(at, SIGNS):
        return _made(words, place, found[1], meant, f"{found[0]} 0")
    if words.lower(at) in ("between", "from", "in"):
        return _within(words, place, at, meant)
    return _compared(words, place, at, meant)


def _compared(words: Words, place: int, at: int, meant: MeantItem) -> Found | None:
    found = words.match(at, COMPARISONS) or (words.match(at - 1, COMPARISONS) if words.lower(at - 1) in IS else None)
    operator, after = found or ("=", at)
    has_sign = words.lower(after) in CURRENCY_SIGNS
    amount = amount_at(words.tokens, after + has_sign)
    if amount is None or _is_share(words, amount.after):
        return Found(clause_end(words, after), problem=_no_amount(words, after)) if found else None
    end = amount.after
    if found is None and (postfix := words.match(end, AFTER_AMOUNT)):
        operator, end = postfix
    elif found is None and words.lower(at - 1) not in IS:
        return None
    return _made(words, place, end, meant, f"{operator} {plain(amount.value)}", after if has_sign else None)


def _within(words: Words, place: int, at: int, meant: MeantItem) -> Found | None:
    """`between 10m and 20m`, `from 10m to 20m`."""
    first = at + 1 + (words.lower(at + 1) in CURRENCY_SIGNS)
    low = amount_at(words.tokens, first)
    if low is None or words.lower(low.after) not in RANGE:
        return None if words.lower(at) != "between" else Found(clause_end(words, at), problem=_no_amount(words, at))
    second = low.after + 1 + (words.lower(low.after + 1) in CURRENCY_SIGNS)
    high = amount_at(words.tokens, second)
    if high is None:
        return Found(clause_end(words, low.after), problem=_no_amount(words, low.after + 1))
    if low.value > high.value:
        return Found(high.after, problem="the first amount is larger than the second one")
    sign = at + 1 if first > at + 1 else None
    value = f"between {plain(low.value)} and {plain(high.value)}"
    return _made(words, place, high.after, meant, value, sign)


def amount_first(words: Words, place: int) -> Found | None:
    """A condition that begins with the comparison: `over 2 crore in sales`, `at least 5m of cash`."""
    found = words.match(place, COMPARISONS)
    if found is None:
        return None
    operator, after = found
    has_sign = words.lower(after) in CURRENCY_SIGNS
    amount = amount_at(words.tokens, after + has_sign)
    if amount is None or _is_share(words, amount.after):
        return Found(clause_end(words, after), problem=_no_amount(words, after))
    named = words.item(words.skip(amount.after, ("in", "of", "as", "the")))
    if named is None:
        return Found(
            amount.after, problem=f"which item is {words.tokens[place].text} it? Name it: net income above 1 bn"
        )
    return _made(words, place, named[1], named[0], f"{operator} {plain(amount.value)}", after if has_sign else None)


def missing_item(words: Words, place: int) -> Found | None:
    """`without goodwill`, `missing inventory`."""
    found = words.match(place, BEFORE_ITEM)
    named = words.item(words.skip(found[1], ("a", "any", "the"))) if found else None
    if found is None or named is None:
        return None
    parts = _made(words, place, named[1], named[0], found[0])
    # `without goodwill and inventory` lacks both, `without goodwill and inventory above 1 m` does not
    after = parts.after + 1
    following = words.item(after) if words.lower(parts.after) in ("and", "or", ",") else None
    if following is None or condition(words, after) is not None:
        return parts
    more = _made(words, parts.after, following[1], following[0], found[0])
    return Found(more.after, (*parts.parts, *more.parts))


def signed_item(words: Words, place: int) -> Found | None:
    """`negative net income`, `profitable companies`."""
    if found := words.match(place, ADJECTIVES):
        (item, operator), after = found
        return _made(words, place, after, MeantItem(item, (), 1), f"{operator} 0")
    found_sign = words.match(place, SIGNS)
    named = words.item(found_sign[1]) if found_sign else None
    return _made(words, place, named[1], named[0], f"{found_sign[0]} 0") if found_sign and named else None


def text_condition(words: Words, place: int) -> Found | None:
    """`sector energy`, `in the health care sector`, `audited by KPMG`, `sector missing`."""
    if found := words.match(place, TEXT_ITEMS_BEFORE):
        item, after = found
        at = words.skip(after, ("is", "are", "=", ":", "contains", "like", "called", "in"))
        if absent := words.match(at, ABSENT):
            return _of_text(words, place, absent[1], item, absent[0])
        first, end, after = _quoted(words, at) or (at, _end_of_name(words, at), _end_of_name(words, at))
        return _of_text(words, place, after, item, "like", _between(words, first, end)) if end > first else None
    if words.kind(place) != "word" or words.item(place) or words.lower(place) in FILLERS | _NAME_ENDS:
        return None
    for count in (1, 2, 3):
        if words.lower(place + count) in ("sector", "industry") and _end_of_name(words, place) >= place + count:
            text = _between(words, place, place + count)
            return _of_text(words, place, place + count + 1, "sector", "like", text)
    return None


TEXT_ITEMS_BEFORE = phrases({
    "sector|industry|sectors": "sector", "auditor|audited by": "auditor", "form|filed on form": "form",
    "named|called|name contains|name": "company_name",
})  # fmt: skip
_NAME_ENDS = SEPARATORS | {"with", "whose", "in", "by", "and", "or", "top", "having", "for", "of", "from", "where"}


def _of_text(words: Words, first: int, after: int, item: str, operator: str, text: str = "") -> Found:
    name = "name" if item == "company_name" else item
    if operator == "like":
        meaning = f"{name} contains \u201c{text}\u201d"
        return Found(after, (words.part(first, after, meaning, {"texts": [f'{item} like "{containing(text)}"']}),))
    meaning = f"{name} {'missing' if operator == 'is null' else 'present'}"
    return Found(after, (words.part(first, after, meaning, {"texts": [f"{item} {operator}"]}),))


def _quoted(words: Words, place: int) -> tuple[int, int, int] | None:
    closing = {'"': '"', "'": "'", "\u201c": "\u201d"}.get(words.lower(place))
    if closing is None:
        return None
    for at in range(place + 1, len(words.tokens)):
        if words.lower(at) == closing:
            return place + 1, at, at + 1
    return None


def _end_of_name(words: Words, place: int) -> int:
    """The place after the words of a name, which end with the clause."""
    at = place
    while words.kind(at) and words.lower(at) not in _NAME_ENDS and not (at > place and words.item(at)):
        at += 1
    return at


def _between(words: Words, first: int, after: int) -> str:
    return words.text[words.tokens[first].start : words.tokens[after - 1].end] if after > first else ""


def _made(
    words: Words, first: int, after: int, meant: MeantItem, compared: str, currency_at: int | None = None
) -> Found:
    """The condition as a part, with the scope that may follow, and the currency whose sign stands in it."""
    scope = words.match(after, SCOPES)
    name, after = scope or ("where", after)
    where = OF_PERIODS if name == "where_periods" else OF_MEAN
    choices = [Choice(condition_meaning(other, compared), {name: [f"{other} {compared}"]}) for other in meant.others]
    meaning = f"{condition_meaning(meant.item, compared)}, {where}"
    found = [words.part(first, after, meaning, {name: [f"{meant.item} {compared}"]}, others=tuple(choices))]
    if currency_at is not None:
        sign = words.lower(currency_at)
        code = CURRENCY_SIGNS[sign]
        found.append(words.part(currency_at, currency_at + 1, f"amounts in {code}", {"currency": [code]}))
    return Found(after, tuple(found))


def condition_meaning(item: str, compared: str) -> str:
    """The condition in words: of `net_income` and `> 5` it is `net income above 5`."""
    operator, _, value = compared.partition(" ")
    name = name_words(item)
    if operator == "is":
        return f"{name} {'missing' if value == 'null' else 'present'}"
    if operator == "between":
        low, _, high = value.partition(" and ")
        return f"{name} between {in_full(float(low))} and {in_full(float(high))}"
    words = {">": "above", ">=": "at least", "<": "below", "<=": "at most", "=": "exactly", "!=": "not"}[operator]
    return f"{name} {words} {in_full(float(value))}"


def _is_share(words: Words, place: int) -> bool:
    return words.lower(place) in ("%", "percent")


def _no_amount(words: Words, place: int) -> str:
    amount = amount_at(words.tokens, place)
    if amount and _is_share(words, amount.after):
        return "items are amounts, not shares: growth and ratios are not computed"
    return f"an amount is missing: {EXAMPLES}"


def clause_end(words: Words, place: int) -> int:
    """The place after the clause that the token is in."""
    at = place
    while words.kind(at) and words.lower(at) not in SEPARATORS:
        at += 1
    return at
