"""Which listed company a source's spelling means.

Reading the list of companies is in `reference` (over `csv_text`), the list prepared for looking up in `listed`:
codes in `codes`, names in `names`. The decision about a spelling by itself is in `spellings` (codes of all kinds
together in `code_answers`), what the other cells of the row say in `evidence`, all of it by columns in `resolve`
(`decisions` are its columns). What people decided is in `review` (read by `review_file`), all together in `decide`;
what is told of decisions, and what is left to people, in `audit`; values of the list that mean several companies in
`collisions`.
Nothing here reads a source, and nothing here knows the statements.
"""

from finsync_pipeline.identity.csv_text import ReferenceMistake
from finsync_pipeline.identity.decide import Decider
from finsync_pipeline.identity.reference import Reference, read_reference
from finsync_pipeline.identity.resolve import resolve
from finsync_pipeline.identity.review import Review, apply_review
from finsync_pipeline.identity.review_file import read_review

__all__ = [
    "Decider",
    "Reference",
    "ReferenceMistake",
    "Review",
    "apply_review",
    "read_reference",
    "read_review",
    "resolve",
]
