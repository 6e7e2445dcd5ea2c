"""The published value of a cell in words: why it is this one, or why there is none, and why a source is not in it."""

from collections.abc import Mapping, Sequence
from typing import Any

FOUND = {
    "single": "no other source has it",
    "agreed": "the sources agree",
    "rounded": "the sources agree, but for rounding",
    "disputed": "the sources differ by more than the tolerance",
    "other_vintage": "the sources differ, but those of the preferred vintage agree",
    "unit_suspect": "a value is wrong by a unit",
    "sign_suspect": "a value has the wrong sign",
    "beyond_bound": "a value is beyond any amount that a company has reached",
}
JOINED = {"mean": "the mean of", "median": "the median of all, made of", "prefer": "by preference, the value of"}


def explanation(cell: Mapping[str, Any] | None, sources: Sequence[str]) -> str:
    """Why the cell (a row of AGREEMENT, None if no source has a value) has its value; `sources` are those with a fact.

    An earlier version does not name the sources that were used.
    """
    if cell is None:
        named = " and ".join(sources)
        return f"Published: made of {named}." if sources else "No value: no source gives one any more."
    found = FOUND.get(cell["verdict"], cell["verdict"])
    why = f" ({cell['why']})" if cell["why"] else ""
    if cell["is_withheld"]:
        return f"Withheld, no value is published: {found}{why}."
    used = _used(cell) or (list(sources) if cell["sources_used"] == cell["sources"] else [])
    if len(used) == 1:
        joined = f"the value of {used[0]}"
        if cell.get("rule") == "prefer" and len(sources) > 1:
            joined = f"by the rule of preference, the value of {used[0]}"
    else:
        named = " and ".join(used) if used else f"{cell['sources_used']} of {cell['sources']} sources"
        joined = f"{JOINED.get(cell.get('rule') or 'mean', 'made of')} {named}"
    return f"Published: {joined}; {found}{why}."


def why_not_used(cell: Mapping[str, Any] | None, source: str) -> tuple[bool | None, str | None]:
    """Whether the published value was made of the fact of the source, and if not, why; None where it is not known."""
    if cell is None:
        return None, None
    is_culprit = source in (cell["culprit"] or "").split("|")
    used = _used(cell)
    if is_culprit or (cell["why"] and source not in used and cell["verdict"] in ("unit_suspect", "sign_suspect")):
        # Of a culprit that is used, it is an older version that is
        return False, cell["why"]
    if cell["is_withheld"]:
        return False, f"withheld: {FOUND.get(cell['verdict'], cell['verdict'])}, and the rules publish no such value"
    if source in used or cell["sources_used"] == cell["sources"]:
        return True, None
    if "used_sources" not in cell:
        return None, None
    if cell["verdict"] == "other_vintage" or cell["rule"] == "mean":
        return False, "it is of another vintage than the sources that are used"
    if cell["rule"] == "prefer":
        return False, f"the rule prefers {' and '.join(used)}"
    return False, "it is not in the middle of the values, or of another vintage"


def _used(cell: Mapping[str, Any]) -> list[str]:
    return list(filter(None, (cell.get("used_sources") or "").split("|")))
