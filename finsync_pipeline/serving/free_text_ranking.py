"""Rules of free text for rankings and columns: `top 5 by cash`, `highest net income`, `most valuable`, `by sales`."""

from finsync_pipeline.serving.free_text_conditions import condition, condition_meaning
from finsync_pipeline.serving.free_text_periods import count_at, currency, length, years
from finsync_pipeline.serving.free_text_words import FILLERS, SEPARATORS, Choice, Found, Words, phrases
from finsync_pipeline.serving.item_words import MeantItem
from finsync_pipeline.serving.screen_words import name_words

DIRECTIONS = phrases({
    "top|largest|biggest|highest|most|greatest|best": True,
    "bottom|smallest|lowest|least|fewest|worst": False,
})  # fmt: skip
SORTED = phrases({"sorted by|sort by|ordered by|order by|ranked by|rank by|ranking by|by": True})
AFTER = phrases({
    "ascending|asc|lowest first|smallest first|from low to high": False,
    "descending|desc|highest first|largest first|from high to low": True,
})  # fmt: skip
KNOWN = phrases({
    "valuable": ("book_value", ("total_assets", "equity_including_nci")),
    "profitable": ("net_income", ("operating_income",)),
    "indebted": ("long_term_debt", ("total_liabilities", "short_term_debt")),
    "cash rich|liquid": ("liquid_assets", ("cash",)),
})  # fmt: skip
OF_SIZE = frozenset({"largest", "biggest", "smallest"})
SIZE = MeantItem("revenue", ("total_assets", "book_value"), 1)
"""What the size of a company is, if the text does not name it."""


def ranking(words: Words, place: int) -> Found | None:
    """The largest or smallest by an item, and how many; or an order alone."""
    if found := words.match(place, SORTED):
        return _sorted(words, place, found[1])
    count = count_at(words, place)
    at = place if count is None else place + 1
    found = words.match(at, DIRECTIONS)
    if found is None:
        return None
    descending, after = found
    if count is None and (count := count_at(words, after)) is not None:
        after += 1
    return _by(words, place, after, descending, count)


def _by(words: Words, place: int, after: int, descending: bool, count: int | None) -> Found:
    at = words.skip(after, FILLERS | {"by"})
    if named := words.item(at):
        return _made(words, place, named[1], named[0], descending, count)
    if known := words.match(at + (words.lower(at) == "most"), KNOWN):
        (item, others), end = known
        return _made(words, place, end, MeantItem(item, others, 1), descending, count)
    if any(
        words.lower(each) == "by" and words.item(words.skip(each + 1, ("the",)))
        for each in range(at, len(words.tokens))
    ):
        changes = {"descending": ["true" if descending else "false"], **({"limit": [str(count)]} if count else {})}
        meaning = f"the {count or ''} {'highest' if descending else 'lowest'} by what follows".replace("  ", " ")
        return Found(after, (words.part(place, after, meaning, changes),))
    if any(words.lower(each) in OF_SIZE for each in range(place, after)):
        return _made(words, place, after, SIZE, descending, count)
    return Found(after, problem="by which item? Write: top 5 by cash")


def _sorted(words: Words, place: int, after: int) -> Found | None:
    named = words.item(words.skip(after, ("the",)))
    if named is None:
        return None
    direction = words.match(named[1], AFTER)
    return _made(
        words, place, direction[1] if direction else named[1], named[0], direction[0] if direction else None, None
    )


def _made(words: Words, place: int, after: int, meant: MeantItem, descending: bool | None, count: int | None) -> Found:
    fixed = {} if descending is None else {"descending": ["true" if descending else "false"]}
    fixed |= {"limit": [str(count)]} if count else {}
    which = "lowest" if descending is False else "highest"
    number = f"the {count} {which}" if count else f"the {which} first"
    others = tuple(Choice(f"by {name_words(other)}", {"order_by": [other], **fixed}) for other in meant.others)
    meaning = f"ranked by {name_words(meant.item)}, {number}"
    return Found(after, (words.part(place, after, meaning, {"order_by": [meant.item], **fixed}, others=others),))


def column(words: Words, place: int) -> Found | None:
    """An item alone: a column to show."""
    named = words.item(place)
    if named is None:
        return None
    meant, after = named
    if words.kind(after) == "word" and words.lower(after) not in FILLERS | SEPARATORS and not _begins(words, after):
        called = words.text[words.tokens[place].start : words.tokens[after].end]
        return Found(after + 1, problem=f"no item is called \u201c{called}\u201d")
    others = tuple(Choice(f"show {name_words(other)}", {"items": [other]}) for other in meant.others)
    if compared := _compared_with_next(words, after):
        name, comparison = compared
        meaning = condition_meaning(meant.item, comparison)
        others = (Choice(meaning, {name: [f"{meant.item} {comparison}"]}), *others)
    part = words.part(place, after, f"show {name_words(meant.item)}", {"items": [meant.item]}, others=others)
    return Found(after, (part,))


def _begins(words: Words, place: int) -> bool:
    """Whether another part can begin with this token."""
    rules = (years, length, currency, ranking)
    return any(rule(words, place) for rule in rules) or words.lower(place) in ("or", "not", "before", "after")


def _compared_with_next(words: Words, place: int) -> tuple[str, str] | None:
    """What the item after `and` is compared with, as in `revenue and net income above 1 bn`, which may mean both."""
    found = condition(words, place + 1) if words.lower(place) == "and" else None
    if found is None or not found.parts:
        return None
    [(name, [text])] = found.parts[0].changes.items()
    return name, text.partition(" ")[2]
