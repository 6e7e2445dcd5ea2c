"""One term, one meaning: words that were given up occur neither in the documentation nor in the help of the command."""

import re

import pytest
from doc_pages import PAGES, PRESENT_PAGES, Page

GIVEN_UP = (
    "undated", "mend(ed|s|ing)?", "cures?", "told", "tells", "say", "says", "said", "overtaken?", "overtakes",
    "decid(e|es|ed|ing) again", "(?<!treasury )stocks?", "harmoni[sz]\\w*", "conservation", "adds? up", "spellings?",
    "spelt", "evidence", "beside", "in force", "(?<!there )(is|are) no(?! longer)", "nobody('s)?", "coin toss",
    "people", "promised?", "asked ahead", "account of", "faults?", "worked on", "forgotten", "forgets?", "nonsense",
    "patience", "likeness", "speaks?", "delivery",
)  # fmt: skip
OLD_NAMES = (
    "undated", "undated_rows", "rows_refused", "cells_refused", "rows_add_up", "conservation", "delivery_changed",
    "decisions_overtaken", "decide_again", "delivery.parquet", "finsync decide", "spellings:", "evidence:",
)  # fmt: skip
REJECTED_ROWS = r"\b(?:rows?|cells?|values?|numbers?)\b[^.|;]{0,40}\brefus|\brefus\w+\b[^.|;]{0,20}\b(?:rows?|cells?)\b"
"""Commands and releases refuse; rows and cells are rejected."""


def given_up_words(text: str) -> list[str]:
    """The words in the text that were given up, each with what stands before and behind it."""
    text = " ".join(text.split())
    pattern = rf"\b(?:{'|'.join(GIVEN_UP)})\b|{REJECTED_ROWS}"
    found = re.finditer(pattern, text, re.IGNORECASE)
    return [f"{match[0]}: ... {text[max(0, match.start() - 30) : match.end() + 30]}" for match in found]


def test_words_that_were_given_up_are_found():
    found = given_up_words("Undated ones. The rows are all\nrefused. A release refuses quarters; there is no release.")

    assert [each.partition(": ")[0] for each in found] == ["Undated", "rows are all refus"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_pages_use_the_words_of_the_glossary(page: Page):
    assert given_up_words(page.prose) == []


@pytest.mark.parametrize("page", PRESENT_PAGES, ids=str)
def test_pages_use_the_names_of_the_code(page: Page):
    assert [code for code in page.code for name in OLD_NAMES if re.search(rf"(?<![\w-]){name}(?!\w)", code)] == []


def test_the_help_uses_the_words_of_the_glossary(finsync_help: dict[str, str]):
    found = {command: given_up_words(text) for command, text in finsync_help.items()}

    assert {command: words for command, words in found.items() if words} == {}
