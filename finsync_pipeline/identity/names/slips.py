"""Slips of the hand that are likelier than others: a letter twice, two exchanged, the key beside."""

from __future__ import annotations

from itertools import pairwise

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {frozenset(pair) for row in _ROWS for pair in pairwise(row)} | {
    frozenset(pair)
    for upper, lower in pairwise(_ROWS)
    for shift in (0, 1)
    for pair in zip(upper[shift:], lower, strict=False)
}


def is_likely_slip(wrong: str, right: str) -> bool:
    """Whether one word is the other with one letter doubled or single, two exchanged, or a neighbouring key hit."""
    if len(wrong) != len(right):
        shorter, longer = sorted((wrong, right), key=len)
        return any(
            longer[:place] + longer[place + 1 :] == shorter and longer[place] == longer[place - 1]
            for place in range(1, len(longer))
        )
    differing = [place for place, pair in enumerate(zip(wrong, right, strict=True)) if pair[0] != pair[1]]
    if len(differing) == 1:
        return frozenset((wrong[differing[0]], right[differing[0]])) in _BESIDE
    return (
        len(differing) == 2
        and wrong[differing[0]] == right[differing[1]]
        and wrong[differing[1]] == right[differing[0]]
    )
