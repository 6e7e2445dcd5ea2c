"""The releases: all of them, and what one of them was made of, what it left out, and how it differs from another."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.federation.releases import find_release
from finsync_pipeline.publishing.changes import ChangeSummary, summarize_differences
from finsync_pipeline.publishing.manifest import CELL_COUNTS, COUNTS
from finsync_pipeline.publishing.release import read_release
from finsync_pipeline.serving.explorer.rendering import page
from finsync_pipeline.serving.explorer.view_state import View, ViewState
from finsync_pipeline.serving.release_list import ReleaseShort, list_releases
from finsync_pipeline.serving.responses import context_of
from finsync_pipeline.statements.reasons import REASONS

router = APIRouter(include_in_schema=False)
LARGEST = 50
"""Changes that a page shows."""


@dataclass(frozen=True)
class SourceAccount:
    """What a source gave to a release, and what became of it; counts are of rows or cells."""

    name: str
    counts: dict[str, int | None]
    reasons: list[dict[str, Any]]
    quarters: list[dict[str, Any]]
    states: dict[str, int]
    about: dict[str, str]


@dataclass(frozen=True)
class File:
    """A file of a release: rows, bytes and SHA-256."""

    name: str
    rows: int | None
    bytes: int | None
    sha256: str


@dataclass(frozen=True)
class Comparison:
    """The earlier and the later of two releases, and what they differ in."""

    earlier: str
    later: str
    summary: ChangeSummary

    @property
    def totals(self) -> dict[str, int]:
        """How many facts are new, lost and changed."""
        return {kind: sum(row[kind] for row in self.summary.counts) for kind in ("new", "lost", "changed")}


@router.get("/releases")
def releases(request: Request, state: View) -> Response:
    """All releases, the newest first."""
    return page(request, "releases.html", state=state, releases=list_releases(context_of(request).published))


@router.get("/releases/{name}")
def release(request: Request, state: View, name: str) -> Response:
    """One release as its manifest describes it, compared with another one if that is asked for."""
    context = context_of(request)
    folder = find_release(context.published, name)
    manifest = read_release(folder).manifest
    listed = list_releases(context.published)
    [this] = [each for each in listed if each.name == folder.name]
    comparison = _comparison(request, folder.name, state)
    return page(
        request,
        "release.html",
        state=state,
        release=this,
        others=[each for each in listed if each.name != folder.name],
        manifest=manifest,
        sources=[_account(name, each) for name, each in manifest.get("sources", {}).items()],
        counts=(*COUNTS, *CELL_COUNTS),
        reasons=REASONS,
        files=[
            File(name, each.get("rows"), _size(folder / name), each.get("sha256", ""))
            for name, each in sorted(manifest["files"].items())
        ],
        comparison=comparison,
        names=_names(request, comparison),
        link=_link(state, this),
    )


def _link(state: ViewState, release: ReleaseShort) -> str:
    """The address at which the views are over this release."""
    return state.link("/", release=None if release.is_current else release.name)


def _comparison(request: Request, name: str, state: ViewState) -> Comparison | None:
    against = state.get("against")
    if not against:
        return None
    published = context_of(request).published
    first, second = sorted([find_release(published, name), find_release(published, against)])
    return Comparison(first.name, second.name, summarize_differences(first, second, LARGEST))


def _names(request: Request, comparison: Comparison | None) -> dict[str, str]:
    """The names of the companies whose values moved most."""
    if comparison is None:
        return {}
    companies = decider_of(context_of(request).deployment()).reference.companies
    wanted = {row["company_id"] for row in comparison.summary.largest}
    found = companies[companies["company_id"].isin(list(wanted))]
    return dict(zip(found["company_id"], found["name"].fillna(""), strict=True))


def _account(name: str, described: Mapping[str, Any]) -> SourceAccount:
    """The part of a manifest on one source. That of an earlier day has no counts."""
    quarters = [{**each, "name": _quarter(each["quarter"])} for each in described.get("quarters", [])]
    about = {
        "Version of its data": described.get("data_version"),
        "Version of its mapping": described.get("mapping_hash"),
        "Rows that the source has": described.get("row_count"),
        "Rows in no quarter": described.get("unassigned_rows"),
        "May be missing": "yes" if described.get("allowed_missing") else None,
    }
    return SourceAccount(
        name,
        {count: described.get(count) for count in (*COUNTS, *CELL_COUNTS)},
        described.get("reasons", []),
        quarters,
        dict(Counter(each["state"] for each in quarters)),
        {label: str(value) for label, value in about.items() if value is not None},
    )


def _quarter(first_day: str) -> str:
    """`2009-10-01` as `2009-Q4`."""
    return f"{first_day[:4]}-Q{(int(first_day[5:7]) + 2) // 3}"


def _size(file: Any) -> int | None:
    return file.stat().st_size if file.exists() else None
