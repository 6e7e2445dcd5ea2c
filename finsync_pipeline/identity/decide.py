"""Deciding by the list of companies and the review in force, and which earlier decisions they overtake."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from finsync_pipeline.identity.reference import Reference, read_reference
from finsync_pipeline.identity.resolve import resolve
from finsync_pipeline.identity.review import Review, apply_review, read_review

_TEXT = pd.ArrowDtype(pa.string())

ASKED = ("spelling", "evidence", "period_end", "kind")
"""What a decision depends on, besides the list and the review."""
COMPARED = ("status", "company_id", "method", "steps")
"""What makes one decision another; scores and suggestions are left out."""


@dataclass(frozen=True, eq=False)
class Decider:
    """The list of companies and the review in force."""

    reference: Reference
    review: Review

    @classmethod
    def read(cls, reference: Path, review: Path | None, sources: Collection[str]) -> Decider:
        """What stands in the files now. Raises ReferenceMistake."""
        companies = read_reference(reference)
        return cls(companies, read_review(review, companies, sources))

    @property
    def versions(self) -> tuple[str, str]:
        """Of the list, and of the review."""
        return self.reference.version, self.review.version

    def decide(self, spellings: pd.DataFrame, source: str) -> pd.DataFrame:
        """The spellings of a source (as `resolve` takes them) with what is decided, the source, and the versions.

        A column `kind` says what the source declares that its column holds; it may be missing.
        """
        decided = apply_review(resolve(spellings, self.reference), self.review, source)
        reference_version, review_version = self.versions
        return decided.assign(source=source, reference_version=reference_version, review_version=review_version)

    def of_other_versions(self, stored: pd.DataFrame) -> pd.DataFrame:
        """Those of the stored decisions that were made by another list or another review."""
        reference_version, review_version = self.versions
        is_now = (stored["reference_version"] == reference_version) & (stored["review_version"] == review_version)
        return stored[~is_now.fillna(False).astype(bool)]

    def overtaken(self, stored: pd.DataFrame) -> pd.DataFrame:
        """Those of the stored decisions that would be others now, or of which it is not known how they were made.

        `stored` has the columns that `decide` gives.
        """
        others = self.of_other_versions(stored)
        parts = [rows[self._differs(rows, str(source))] for source, rows in others.groupby("source")]
        return pd.concat(parts) if parts else others

    def _differs(self, rows: pd.DataFrame, source: str) -> pd.Series[bool]:
        asked = [column for column in ASKED if column in rows]  # a FinSync before kinds stored none
        now = self.decide(rows[asked], source)
        differs = rows[["reference_version", "review_version"]].isna().any(axis=1)
        for column in COMPARED:
            differs |= _texts(now, column) != _texts(rows, column)
        return differs


def _texts(decisions: pd.DataFrame, column: str) -> pd.Series[str]:
    """The column as texts, empty where it is null or not there."""
    return pd.Series(decisions.get(column), index=decisions.index, dtype=_TEXT).fillna("")
