"""The reasons for which a row or a cell is not used: each a code, the stage that finds it, and what it means.

*Refused* means that it cannot be used as it is, *superseded* that another row says the same, or something newer.
"""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["refused", "superseded"]


@dataclass(frozen=True)
class Reason:
    """Why something is not used, what it means and how to mend it."""

    code: str
    stage: str
    meaning: str
    cure: str
    outcome: Outcome = "refused"


_REASONS = (
    Reason("undated", "delivery", "The period end is empty or no date in a declared format.",
           "Add the format to period_end.formats, or have the source mend the row."),
    Reason("date_ambiguous", "delivery", "Two declared formats read different days from the period end.",
           "Declare only the format that the source means."),
    Reason("outside_quarters", "delivery",
           "The period ends before the first quarter or after the running one.",
           "Set FINSYNC_FIRST_QUARTER earlier, or have the source mend the date."),
    Reason("repeated_row", "schema", "The same row, cell for cell, was delivered before in this quarter.",
           "Nothing to do: the first copy is used.", "superseded"),
    Reason("schema:row_key_present", "schema",
           "The row has no key.", "Choose another row_key, or mend the source."),
    Reason("schema:row_key_unique", "schema", "Different rows of a quarter have the same key.",
           "Choose another row_key, or have the source mend its keys."),
    Reason("schema:company_present", "schema", "The row names no company.", "Have the source mend the row."),
    Reason("length_unknown", "mapping", "The length of the period is none of 3, 6, 9, 12 months.",
           "Name the spelling in months.spellings, or have the source mend the row."),
    Reason("currency_unknown", "mapping", "The currency is no ISO code and no declared spelling.",
           "Name the spelling in currency.spellings."),
    Reason("scale_unknown", "mapping", "The unit of money is no declared spelling.",
           "Name the spelling in scale.spellings."),
    Reason("known_since_unreadable", "mapping", "The date since which the row is known could not be read.",
           "Add the format to known_since.formats."),
    Reason("company_unknown", "identity", "No listed company is near enough to the spelling.",
           "Add the company to the reference list, or an alias line for the spelling, or a line to the review file."),
    Reason("company_ambiguous", "identity",
           "Two or more listed companies answer to the spelling equally well.",
           "Add a dated alias line, or a line to the review file, that says which company is meant."),
    Reason("company_conflict", "identity",
           "The spelling and the evidence beside it mean different companies.",
           "Have the source mend the row, or add a line to the review file."),
    Reason("company_rejected", "identity", "A person decided, in the review file, that such rows are not to be used.",
           "Nothing to do, or change the line of the review file."),
    Reason("company_contradicted", "identity",
           "Another name of the same source, found with more certainty, gives other values for this company "
           "and period.",
           "Add the company that is meant to the reference list, or a dated alias line, or a line to the review file, "
           "that says whose rows these are."),
    Reason("row_without_values", "cells", "None of the row's mapped columns holds a value.",
           "Nothing to do, unless a null word hides values."),
    Reason("not_a_number", "cells", "The text is no number in the source's notation.",
           "Mend numbers (thousands, decimal, brackets_are_negative, null_words), or the source."),
    Reason("schema:value_within_bounds", "cells",
           "The number is at or beyond 10^18: no statement holds such a figure.",
           "Check the scale of the source and of the item."),
    Reason("conflict", "supersede",
           "Rows of one source give different values for the same company, item and period, "
           "and none is known to be newer.", "Declare known_since, or have the source mend its rows."),
    Reason("same_value", "supersede", "Another row of the source gives the same value.",
           "Nothing to do.", "superseded"),
    Reason("older_value", "supersede", "Another row of the source gives a newer value.",
           "Nothing to do.", "superseded"),
)  # fmt: skip

REASONS: dict[str, Reason] = {reason.code: reason for reason in _REASONS}


def as_markdown() -> str:
    """The reasons as the page docs/rejects.md."""
    lines = [
        "# Why a row or a cell is not used",
        "",
        "Every row and cell that is not used stands in `rejects.parquet` of the release, and in the asset",
        "`<source>/rejects`, with its stage, its reason and its text as delivered. *Refused*: it cannot be used as it",
        "is. *Superseded*: another row of the source says the same, or something newer.",
        "",
        "| reason | stage | outcome | what it means | how to mend it |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{reason.code}` | {reason.stage} | {reason.outcome} | {reason.meaning} | {reason.cure} |"
        for reason in _REASONS
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(as_markdown(), end="")
