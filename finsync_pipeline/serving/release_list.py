"""The list of all releases, as the API and the explorer show it."""

from datetime import date
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from finsync_pipeline.errors import PublicationError
from finsync_pipeline.publishing.release import MANIFEST, all_folders, current_folder, read_release


class ReleaseShort(BaseModel):
    """A release in the list of all."""

    name: str
    is_current: bool
    as_of: date | None = Field(description="The day whose knowledge it has; null: that of its time")
    facts: int | None


def list_releases(published: Path) -> list[ReleaseShort]:
    """All releases, the newest first, but for those whose manifest is damaged."""
    current = current_folder(published)
    found = [_short(folder, current) for folder in reversed(all_folders(published)) if (folder / MANIFEST).exists()]
    return [each for each in found if each is not None]


def _short(folder: Path, current: Path | None) -> ReleaseShort | None:
    try:
        described: dict[str, Any] = read_release(folder).manifest
    except (PublicationError, OSError):  # or it was just removed
        return None
    return ReleaseShort(
        name=folder.name,
        is_current=folder == current,
        as_of=described.get("as_of"),
        facts=described.get("facts"),
    )
