"""Deciding by the present list of companies and review, and which earlier decisions are outdated by them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from finsync_pipeline.identity.reference import Reference, read_reference
from finsync_pipeline.identity.resolve import resolve
from finsync_pipeline.identity.review import Review, apply_review, read_review

ASKED = ["source_name", "supporting_columns", "period_end", "kind"]
"""What a decision depends on, besides the list and the review."""
COMPARED = ["status", "company_id", "method", "steps"]
"""What makes one decision another; scores and suggestions are left out."""
VERSIONS = ["reference_version", "review_version"]


@dataclass(frozen=True, eq=False)
class Decider:
    """The present list of companies and review."""

    reference: Reference
    review: Review

    @classmethod
    def read(cls, reference: Path, review: Path | None, sources: Collection[str]) -> Decider:
        """What stands in the files now. Raises ConfigurationError."""
        companies = read_reference(reference)
        return cls(companies, read_review(review, companies, sources))

    @property
    def versions(self) -> tuple[str, str]:
        """Of the list, and of the review."""
        return self.reference.version, self.review.version

    def decide(self, source_names: pd.DataFrame, source: str) -> pd.DataFrame:
        """The names of a source (as `resolve` takes them) with the decisions, the source, and the versions.

        A column `kind` holds what the mapping declares of the column; it may be missing.
        """
        decided = apply_review(resolve(source_names, self.reference), self.review, source)
        return decided.assign(source=source, **dict(zip(VERSIONS, self.versions, strict=True)))

    def of_other_versions(self, stored: pd.DataFrame) -> pd.DataFrame:
        """Those of the stored decisions that were made by another list or another review."""
        return stored[~stored[VERSIONS].eq(list(self.versions)).fillna(False).all(axis=1)]

    def outdated(self, stored: pd.DataFrame) -> pd.DataFrame:
        """Those of the stored decisions that would be others now, or of which it is not known how they were made.

        `stored` has the columns that `decide` gives.
        """
        others = self.of_other_versions(stored)
        outdated = [others.head(0)]
        for source, rows in others.groupby("source"):
            now = self.decide(rows.filter(ASKED), str(source))  # a FinSync before kinds stored none
            is_other = (now[COMPARED].fillna("") != rows[COMPARED].fillna("")).any(axis=1)
            outdated.append(rows[is_other | rows[VERSIONS].isna().any(axis=1)])
        return pd.concat(outdated)
