"""The error of a query: what is wrong, where in the SQL, and what to write instead."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self

from rich.cells import cell_len

from finsync_pipeline.errors import FinSyncError

SHOWN = 100
"""The most characters of a line of SQL that an error shows."""

NEAR, NEAR_ID = 0.7, 0.85
"""How alike a name is to one that is suggested, as difflib counts it; and an id, since all ids are alike."""


def nearest(name: str, known: Iterable[str], least: float = NEAR) -> str | None:
    """The one of the known names that is most like this one; None if none is near."""
    return next(iter(get_close_matches(name.lower(), sorted(known), n=1, cutoff=least)), None)


class QueryError(FinSyncError):
    """A query cannot be answered as it is written. `excerpt` shows the line of SQL with a mark below the place."""

    def __init__(self, what: str, fix: str, where: object = "", excerpt: str = "") -> None:
        super().__init__(what, fix, where)
        self.args, self.excerpt = (what, fix, where, excerpt), excerpt

    def __str__(self) -> str:
        """`line 1, column 8: no column revenu in facts; did you mean revenue?`, and the excerpt on lines below."""
        place, excerpt = f"{self.where}: " if self.where else "", f"\n{self.excerpt}" if self.excerpt else ""
        return f"{place}{self.what}; {self.fix}{excerpt}"

    @classmethod
    def at(cls, sql: str, offset: int | None, what: str, fix: str) -> Self:
        """The error about the character of `sql` at the offset; of the whole of it, if that is None."""
        if offset is None:
            return cls(what, fix)
        before = sql[: min(offset, len(sql))]
        start = before.rfind("\n") + 1
        line, column = sql[start:].partition("\n")[0].rstrip(), len(before) - start
        return cls(what, fix, f"line {before.count(chr(10)) + 1}, column {column + 1}", _excerpt(line, column))


def _excerpt(line: str, column: int) -> str:
    """The line and a mark below its column; of a long line the part around it."""
    first = max(0, column - SHOWN // 2) if len(line) > SHOWN else 0
    shown = line[first : first + SHOWN].replace("\t", " ")
    return f"  {shown}\n  {' ' * cell_len(shown[: column - first])}^"
