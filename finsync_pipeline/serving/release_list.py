"""The list of all releases, as the API and the explorer show it."""

from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from finsync_pipeline.publishing.release import MANIFEST, all_folders, current_folder, read_release


class ReleaseShort(BaseModel):
    """A release in the list of all."""

    name: str
    is_current: bool
    as_of: date | None = Field(description="The day whose knowledge it has; null: that of its time")
    facts: int | None


def list_releases(published: Path) -> list[ReleaseShort]:
    """All releases, the newest first."""
    current = current_folder(published)
    return [_short(folder, current) for folder in reversed(all_folders(published)) if (folder / MANIFEST).exists()]


def _short(folder: Path, current: Path | None) -> ReleaseShort:
    described: dict[str, Any] = read_release(folder).manifest
    return ReleaseShort(
        name=folder.name,
        is_current=folder == current,
        as_of=described.get("as_of"),
        facts=described.get("facts"),
    )
