"""The errors that FinSync shows to people without a traceback: what is wrong, where, and how to fix it.

Each kind has a subclass only where somebody catches that case alone. Any other exception is a fault of the program and
keeps its traceback, on the command line and in Dagster.
"""


class FinSyncError(Exception):
    """The base of them all: `what` is wrong, the `fix`, and `where`: a file, a setting, a source or a table."""

    def __init__(self, what: str, fix: str, where: object = "") -> None:
        super().__init__(what, fix, where)  # all of them, so that it can be pickled
        self.what, self.fix, self.where = what, fix, where

    def __str__(self) -> str:
        """`FINSYNC_DEPLOYED: 'yes' is neither 0 nor 1. Use 1 to switch schedules and sensors on.`."""
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}. {self.fix}."


class ConfigurationError(FinSyncError):
    """Something that people wrote cannot be used: a setting, an option, a YAML file, a list of companies, a token."""


class SourceError(FinSyncError):
    """A source cannot be read now."""


class SourceUnavailable(SourceError):
    """A source does not answer, or not to its end. Asking again later may help."""


class SourceInvalid(SourceError):
    """A source answers, but not what it was asked for, or not what its mapping declares. Asking again does not help."""


class DataError(FinSyncError):
    """A stored table is missing, does not belong to the others, or could not be written."""


class PublicationError(FinSyncError):
    """Nothing is published: a quarter is missing or outdated, or the tables contradict each other."""
