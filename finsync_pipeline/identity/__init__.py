"""Entity resolution: which company of the reference list each row of a source belongs to, or why none.

What belongs here: reading the list (`reference` over `csv_text`, prepared in `company_index`) and its `collisions`; the
decision about a text by itself (`texts` over `codes`, `names` and `tickers`), then with its supporting columns
(`evidence`), by columns in `resolve` (`results` has statuses, methods and the columns); what people decided (`review`);
both together (`decide`); and what is reported of decisions (`audit`). What does not: reading sources, and statements.
Read on in `resolve`, then `docs/identity.md`.
"""

from finsync_pipeline.identity.decide import Decider
from finsync_pipeline.identity.reference import Reference, read_reference
from finsync_pipeline.identity.resolve import resolve
from finsync_pipeline.identity.review import Review, apply_review, read_review

__all__ = [
    "Decider",
    "Reference",
    "Review",
    "apply_review",
    "read_reference",
    "read_review",
    "resolve",
]
