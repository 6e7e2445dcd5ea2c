"""A machine with FinSync: what it has written, and what it has published."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from pipeline.conftest import COMPANIES, PNL

from finsync_pipeline.publishing.release import MANIFEST, all_folders, remove_release

REVIEW = "source,source_name,company_id,who,when,note\npnl,Initech,I1,jane,2026-01-31,by its address\n"
CHANGED_PNL = PNL.replace('"7,000"', '"7,500"') + '6,Globex,"September 30, 2009",12,USD thousands,"6,000",,,,,,,,,,,\n'


@dataclass
class Machine:
    """A folder with the home of FinSync, lists, and the services that it asks."""

    folder: Path
    urls: dict[str, str]

    @property
    def home(self) -> Path:
        """Where FinSync writes."""
        return self.folder / "home"

    @property
    def published(self) -> Path:
        """The releases."""
        return self.home / "published"

    @property
    def settings(self) -> dict[str, str]:
        """The environment of the commands."""
        urls = {f"FINSYNC_{name.upper()}_URL": url for name, url in self.urls.items()}
        home = {"FINSYNC_HOME": str(self.home), "DAGSTER_HOME": str(self.home / "dagster")}
        return {**urls, **home, "FINSYNC_REFERENCE": str(self.folder / "companies.csv")}

    def copy(self, folder: Path) -> "Machine":
        """The same, with everything that was written, in another folder."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Machine(folder, self.urls)

    def decide_otherwise(self) -> None:
        """Change the list and the review, so that a name which was unknown has a company."""
        with (self.folder / "companies.csv").open("a") as file:
            file.write("I1,Quite Another Name,,\n")
        (self.folder / "review.csv").write_text(REVIEW)

    def remove(self) -> None:
        """Remove everything."""
        for release in all_folders(self.published):
            remove_release(release)
        shutil.rmtree(self.folder)

    def tables(self) -> dict[str, str]:
        """The digest of each stored table, and of the questions to people."""
        files = [*(self.home / "tables").rglob("*.parquet"), self.home / "identity_review.csv"]
        whole = [file for file in files if not file.name.startswith(".")]
        return {str(file.relative_to(self.home)): hashlib.sha256(file.read_bytes()).hexdigest() for file in whole}

    def current(self) -> dict[str, bytes] | None:
        """The content of the current release; None if there is none."""
        link = self.published / "current"
        return self.content(link.resolve()) if link.is_symlink() else None

    @staticmethod
    def content(folder: Path) -> dict[str, bytes]:
        """The files of a release, without its time in names and manifest."""
        manifest = (folder / MANIFEST).read_text(encoding="utf-8").replace(folder.name, "TIME").encode()
        files = {file.name.replace(folder.name, "TIME"): file.read_bytes() for file in folder.iterdir()}
        return files | {MANIFEST: manifest}

    def hidden(self) -> set[str]:
        """The kinds of leftovers: half written files and folders beside their places."""
        kinds = {
            "a staging folder": self.published.glob(".staging-*"),
            "a link beside current": self.published.glob(".current-*"),
            "a half written table": (self.home / "tables").rglob(".*.parquet.*"),
            "the lock of a command": (self.home / "commands").glob("*.lock"),
        }
        return {kind for kind, found in kinds.items() if any(found)}

    def written(self) -> dict[str, int]:
        """When each file was written."""
        files = [file for file in self.home.rglob("*") if file.is_file()]
        return {str(file): file.stat().st_mtime_ns for file in files}


def empty(folder: Path, urls: dict[str, str]) -> Machine:
    """A machine on which nothing was run yet."""
    folder.mkdir()
    (folder / "companies.csv").write_text(COMPANIES)
    return Machine(folder, urls)
