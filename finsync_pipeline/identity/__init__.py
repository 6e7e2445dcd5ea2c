"""Which listed company a source's spelling means.

Reading the list of companies is in `reference` (over `csv_text`); what two spellings of one name have in
common in `normalise` (its tables in `words`); the list prepared for looking up in `index`; the certain steps
in `lookup`, the uncertain one in `similarity`; the decision in `resolve`, with what other cells say in
`evidence`.
Nothing here reads a source, and nothing here knows the statements.
"""

from finsync_pipeline.identity.reference import Reference, ReferenceMistake, read_reference
from finsync_pipeline.identity.resolve import resolve

__all__ = ["Reference", "ReferenceMistake", "read_reference", "resolve"]
