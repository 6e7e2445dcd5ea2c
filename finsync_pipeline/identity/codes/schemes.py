"""The kinds of code that a list of companies may hold, and what each allows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scheme:
    """What is known of a kind of code before any code of it is seen.

    `length` is null where codes differ in length, `check` names the rule of their check digits. A label
    (`CIK 0000320193`) is a regular expression whose only group is the code. `is_number`: leading zeros say
    nothing, so codes are compared without them. `is_repaired`: typing errors may be repaired; the look of a
    ticker says too little for that. `is_sparse`: codes of any two companies of the world are known to be
    far apart, so that one edit can be repaired on a list too short to show it.
    """

    name: str
    length: int | None = None
    check: str | None = None
    label: str | None = None
    is_number: bool = False
    is_repaired: bool = True
    is_sparse: bool = False
    keeps_dots: bool = False
    fewest_digits: int = 0


def _label(words: str, code: str) -> str:
    return rf"^(?:{words})[\s:#=._-]*({code})$"


SCHEMES: dict[str, Scheme] = {
    scheme.name: scheme
    for scheme in (
        Scheme("company_id", label=r"^(?:COMPANY\s*)?(?:ID|CODE|NO|NR)[\s:#=]+(.+)$"),
        Scheme(
            "lei",
            length=20,
            check="lei",
            label=_label(r"LEI(?:\s*CODE)?|LEGAL ENTITY IDENTIFIER", r"\w.{14,}"),
            is_sparse=True,
            fewest_digits=2,
        ),
        Scheme("isin", length=12, check="isin", label=_label("ISIN", r"\w.{9,}"), fewest_digits=1),
        Scheme("cusip", length=9, check="cusip", label=_label("CUSIP", r"\w.{6,}"), fewest_digits=1),
        Scheme("cik", label=_label(r"(?:SEC\s*)?CIK(?:\s*(?:NO|NUMBER|CODE))?", r"\d.*"), is_number=True),
        Scheme("ticker", label=r"^(?:TICKER|SYMBOL)[\s:#=]+(.+)$", is_repaired=False, keeps_dots=True),
    )
}
