"""Verifying releases: each file of each one has the content that its manifest says."""

from finsync_pipeline.cli.terminal import console
from finsync_pipeline.errors import PublicationError
from finsync_pipeline.publishing.release import CURRENT, MANIFEST, all_folders, damages
from finsync_pipeline.settings import published_folder


def verify() -> int:
    """Check the files of all releases against their manifests; 1 if one of them is damaged."""
    published = published_folder()
    folders = all_folders(published)
    if not folders:
        raise PublicationError("there is no release yet", "Make one: finsync run", published)
    found = {folder: damages(folder) for folder in folders}
    for folder, of_release in found.items():
        console.print(f"{'damaged' if of_release else 'intact':<9}{folder.name}", soft_wrap=True)
        for damage in of_release:
            console.print(f"         {damage}", soft_wrap=True)
    is_pointing = (published / CURRENT / MANIFEST).exists()
    if not is_pointing:
        console.print(f"{CURRENT} does not lead to a release. Publish one: finsync release --force", soft_wrap=True)
    damaged = sum(map(bool, found.values()))
    if damaged:
        console.print(f"{damaged} of {len(found)} releases are damaged. Restore them from a backup, or publish anew.")
    return 0 if is_pointing and not damaged else 1
