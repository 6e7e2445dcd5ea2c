"""Removing old releases: the newest stay, and the current one whatever its age."""

from finsync_pipeline.cli.terminal import console
from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.publishing.release import current_folder, releases, remove_release
from finsync_pipeline.settings import published_folder


def prune(keep: int, dry_run: bool) -> int:
    """Remove all releases but the newest `keep` and the current one; with `dry_run`, only list them."""
    if keep < 1:
        raise ConfigurationError(f"{keep} is too few", "Keep at least 1 release", "--keep")
    folders, current = releases(published_folder()), current_folder(published_folder())
    kept = {*folders[-keep:], *([current] if current else [])}
    sizes = {folder: sum(file.stat().st_size for file in folder.iterdir()) for folder in folders}
    for folder in folders:
        verb = "keeps" if folder in kept else "would remove" if dry_run else "removes"
        console.print(f"{verb:<13}{folder.name}  {sizes[folder] / 1e6:10,.1f} MB")
        if folder not in kept and not dry_run:
            remove_release(folder)
    freed = sum(size for folder, size in sizes.items() if folder not in kept)
    mean = sum(sizes.values()) / max(1, len(sizes))
    console.print(
        f"{freed / 1e6:,.1f} MB {'could be' if dry_run else 'are'} freed; a release has {mean / 1e6:,.1f} MB."
    )
    return 0
