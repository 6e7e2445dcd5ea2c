"""The plan of a live answer, for people: what each source was sent, what stayed local and why, rows, bytes and time."""

from dataclasses import asdict, dataclass, field
from typing import Any

from rich.text import Text
from rich.tree import Tree


@dataclass
class SourceReport:
    """What happened with one source; `how` in words, `sent` the SQL or routes, `local` what was not sent, and why."""

    source: str
    how: str = "not asked: no row of it can be in the answer"
    sent: list[str] = field(default_factory=list)
    local: list[str] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0


@dataclass
class LivePlan:
    """The reports of all sources, what DuckDB does with the rows, and the whole time."""

    sql: str
    sources: list[SourceReport] = field(default_factory=list)
    finish: list[str] = field(default_factory=list)
    rows: int = 0
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON has it."""
        return asdict(self)

    def tree(self) -> Tree:
        """The plan to be printed."""
        tree = Tree(Text(f"{self.rows:,} rows in {self.seconds:.2f} s", "bold"))
        finish = tree.add(Text("DuckDB, here", "bold"))
        for line in (*self.finish, self.sql.strip()):
            finish.add(Text(line))
        for report in self.sources:
            _add(tree, report)
        return tree


def _add(tree: Tree, report: SourceReport) -> None:
    moved = f": {report.rows:,} rows, {report.bytes:,} bytes in {report.seconds:.2f} s" if report.sent else ""
    branch = tree.add(Text.assemble((report.source, "bold"), moved))
    branch.add(Text(report.how))
    for sql in report.sent:
        branch.add(Text(f"sent: {_shortened(sql)}"))
    for line in report.local:
        branch.add(Text(f"stays here: {line}"))


def _shortened(sql: str, most: int = 600) -> str:
    return sql if len(sql) <= most else f"{sql[: most // 2]} ... {sql[-most // 2 :]} ({len(sql):,} characters)"
