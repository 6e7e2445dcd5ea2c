"""The error of what a release does not contain."""

from finsync_pipeline.errors import FinSyncError


class NotInRelease(FinSyncError):
    """The release has no such company, item, day, length or currency; the fix names the nearest that it has."""
