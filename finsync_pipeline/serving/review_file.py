"""Writing decisions into the review file: one line more, and everything else in it as it was.

The file is a spreadsheet that people edit too. So a line is added at its end, in its columns, order, line ends and
encoding, and what is written is read before it takes the place of the file: what cannot be read, or would read
otherwise, is not written. Writers wait for each other; of what others have written meanwhile nothing is lost.
"""

import csv
import fcntl
import hashlib
import io
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from finsync_pipeline import frames
from finsync_pipeline.errors import ConfigurationError, FinSyncError
from finsync_pipeline.identity import Reference, Review, read_review
from finsync_pipeline.identity.csv_text import RENAMED
from finsync_pipeline.identity.review import ALL_SOURCES, REVIEW_COLUMNS, ReviewLine
from finsync_pipeline.storage.whole_files import not_written, written_whole

NAME = "review.csv"
MARK = "\ufeff"
"""The byte order mark by which some spreadsheets begin a file."""


class DecidedMeanwhile(FinSyncError):
    """The same name has been decided by somebody else since; `lines` are the decisions that the file has now."""

    def __init__(self, lines: Sequence[ReviewLine]) -> None:
        self.lines = list(lines)
        decided = "; ".join(described(line) for line in lines) or "the line about it was removed"
        super().__init__(f"the review has changed about this name: {decided}", "Look at the name again, then decide")


@dataclass(frozen=True)
class ReviewVersion:
    """What a page about a name was made from: the bytes of the file, and the lines in it about that name."""

    file: str
    about_name: str

    @classmethod
    def parse(cls, text: str) -> "ReviewVersion":
        """The version that `str` wrote."""
        file, _, about_name = text.partition(".")
        return cls(file, about_name)

    def __str__(self) -> str:
        return f"{self.file}.{self.about_name}"


@dataclass(frozen=True)
class ReviewFile:
    """The review file of a deployment: it may not exist yet. `sources` are the names of the sources."""

    path: Path
    reference: Reference
    sources: Collection[str]

    @property
    def is_writable(self) -> bool:
        """Whether this process may write it, or create it."""
        folder = os.access(self.path.resolve().parent, os.W_OK | os.X_OK)
        return folder and (not self.path.exists() or os.access(self.path, os.W_OK))

    def read(self) -> Review:
        """What stands in it now. Raises ConfigurationError."""
        return read_review(self.path if self.path.exists() else None, self.reference, self.sources)

    def version(self, source_name: str) -> ReviewVersion:
        """Its version for a page about this name. Raises ConfigurationError."""
        return _version(self._bytes(), self.read(), source_name)

    def add(self, line: ReviewLine, based_on: ReviewVersion) -> None:
        """Add the line. Raises DecidedMeanwhile, or ConfigurationError or DataError if it cannot be written."""
        with _alone_in(self.path.resolve().parent):
            content, review = self._bytes(), self.read()
            now = _version(content, review, line.source_name)
            if now != based_on and now.about_name != based_on.about_name:
                raise DecidedMeanwhile(review.lines_about(line.source_name)[1])
            added = _with_line(content, line)
            with written_whole(self.path) as temporary:
                temporary.write_bytes(added)
                self._check(temporary, {*review.lines, line})
                if self._bytes() != content:  # a spreadsheet program, which does not wait for others
                    fix = "Save and close it in the other program, then decide again"
                    raise ConfigurationError("was changed by another program just now", fix, self.path)

    def _bytes(self) -> bytes:
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def _check(self, written: Path, expected: set[ReviewLine]) -> None:
        """Raise ConfigurationError if what is to be written does not read as all lines of before and the new one."""
        try:
            lines = read_review(written, self.reference, self.sources).lines
        except ConfigurationError as error:
            where = str(error.where).replace(str(written), str(self.path))
            raise ConfigurationError(error.what, error.fix, where) from None
        if {*lines} != expected:
            fix = f"Write the line into it yourself, or give it the columns {', '.join(REVIEW_COLUMNS)}"
            raise ConfigurationError("cannot take the line as it is", fix, self.path)


def described(line: ReviewLine) -> str:
    """`'HP' of pnl is 0000046765 (jane, 2026-01-31: the ticker)`."""
    dates = f", from {line.valid_from or 'the first'} to {line.valid_to or 'the last'} period end"
    bounds = dates if line.valid_from or line.valid_to else ""
    note = f": {line.note}" if line.note else ""
    of = line.source or "every source"
    return f"{line.source_name!r} of {of} is {line.company_id}{bounds} ({line.who}, {line.when}{note})"


def as_written(line: ReviewLine) -> str:
    """The line in the columns of the review, as it is written into a file that has just these."""
    return _joined([_cell(getattr(line, name)) for name in REVIEW_COLUMNS])


def _version(content: bytes, review: Review, source_name: str) -> ReviewVersion:
    about = sorted(map(repr, review.lines_about(source_name)[1]))
    return ReviewVersion(_digest(content), _digest("\n".join(about).encode()))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Within the block no other process or thread adds a line in the folder. Raises DataError."""
    try:
        place = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise not_written(folder, error) from error
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)  # which also ends the lock


def _with_line(content: bytes, line: ReviewLine) -> bytes:
    """The file with the line at its end, and with columns that it lacks and the line needs."""
    text = content.decode("utf-8")
    end = next((end for end in ("\r\n", "\n", "\r") if end in text), "\n")
    lines = text.split(end) if text else [_joined(list(REVIEW_COLUMNS))]
    while len(lines) > 1 and not lines[-1]:
        lines.pop()
    cells = {name: _cell(getattr(line, name)) for name in REVIEW_COLUMNS}
    header = _header(lines[0])
    missing = [name for name in REVIEW_COLUMNS if cells[name] and name not in header]
    if missing:
        first, *others = lines
        blank = "," * len(missing)
        lines = [f"{first},{_joined(missing)}", *(each + blank if each.strip() else each for each in others)]
    if "source" in header and line.source is None:
        cells["source"] = ALL_SOURCES
    row = _joined([cells.get(name, "") for name in [*header, *missing]])
    return end.join([*lines, row, ""]).encode("utf-8")


def _header(line: str) -> list[str]:
    """The names of the columns, as the review is read."""
    cells = next(csv.reader([line.removeprefix(MARK)], skipinitialspace=True), [])
    return [RENAMED.get(name, name) for name in (frames.plain(cell).lower() for cell in cells)]


def _cell(value: object) -> str:
    """The text of a cell, with an apostrophe before what a spreadsheet would run as a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(frames.FORMULA_MARKS) else text


def _joined(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue()
