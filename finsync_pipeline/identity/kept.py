"""Keeping what was prepared of a list in a folder, so that each version of a list is prepared once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

#: Counts up when parts of before can no longer be read, or would be made otherwise now.
MAKE = 2
#: So many versions of the list are kept.
VERSIONS = 3

Part = TypeVar("Part")

#: What reading a file that was cut off, or is another one, raises.
_UNREADABLE = (OSError, ValueError, KeyError, EOFError, BadZipFile)


@dataclass(frozen=True)
class Kept:
    """A folder of parts, each a folder of its own that is written beside its place and renamed; null keeps nothing."""

    folder: Path | None

    @classmethod
    def of(cls, home: Path | None, version: str) -> Kept:
        """The parts of one version of a list."""
        return cls(None if home is None else home / f"{version[:32]}-{MAKE}")

    def part(
        self, name: str, build: Callable[[], Part], load: Callable[[Path], Part], save: Callable[[Path, Part], None]
    ) -> Part:
        """The part of this name as it was kept, or else built, and kept if there is room.

        What cannot be read is built anew.
        """
        if self.folder is None:
            return build()
        place = self.folder / name
        with suppress(*_UNREADABLE):
            return load(place)
        part = build()
        with suppress(OSError):
            self._write(place, part, save)
            self._forget_others()
        return part

    def _write(self, place: Path, part: Part, save: Callable[[Path, Part], None]) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as beside:
            save(Path(beside) / place.name, part)
            shutil.rmtree(place, ignore_errors=True)
            (Path(beside) / place.name).rename(place)

    def _forget_others(self) -> None:
        assert self.folder is not None
        others = sorted(self.folder.parent.iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
        for folder in [other for other in others if other != self.folder][VERSIONS - 1 :]:
            shutil.rmtree(folder, ignore_errors=True)
