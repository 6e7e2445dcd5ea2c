"""Which listed company a source's spelling means.

Reading the list of companies is in `reference` (over `csv_text`); what two spellings of one name have in
common in `normalise` (its tables in `words`); the list prepared for looking up in `index`; the certain steps
in `lookup`, the uncertain one in `similarity`; the decision in `resolve`, with what other cells say in
`evidence`; what people decided in `review` (read by `review_file`), all of it together in `decide`; what is
told of decisions in `audit`, and what is left to people in `open_questions`.
Nothing here reads a source, and nothing here knows the statements.
"""

from finsync_pipeline.identity.decide import Decider
from finsync_pipeline.identity.reference import Reference, ReferenceMistake, read_reference
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
