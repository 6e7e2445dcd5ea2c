"""The parts of the view of quality: the counts of a release as a sentence, pictures and their tables."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from finsync_pipeline.errors import PublicationError
from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.serving import quality
from finsync_pipeline.serving.companies import company_of
from finsync_pipeline.serving.explanation import FOUND
from finsync_pipeline.serving.explorer.view_state import ViewState
from finsync_pipeline.serving.open_release import OpenRelease
from finsync_pipeline.serving.responses import context_of
from finsync_pipeline.statements.dates import quarter_label

WORST = 20
"""Items of a picture; the table has all."""
AGREED = ("agreed", "rounded")
LOW = 12
"""Lines of a picture that fit a low one."""
DAYS_OF_A_QUARTER = 92


@dataclass(frozen=True)
class Cell:
    """A cell of a table, perhaps with the address of what it counts."""

    value: Any
    address: str | None = None


@dataclass(frozen=True)
class Grid:
    """A table: `csv` is the address of the same as CSV; one that is not open is behind a summary."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    csv: str | None = None
    is_open: bool = False

    @property
    def numeric(self) -> frozenset[int]:
        """The places of columns with numbers."""
        return frozenset(
            place for row in self.rows for place, cell in enumerate(row) if isinstance(cell.value, int | float)
        )


@dataclass(frozen=True)
class Chart:
    """A picture: a kind of explorer.js, its name, and its data."""

    kind: str
    name: str
    data: Mapping[str, Any]
    classes: str = ""


@dataclass(frozen=True)
class Part:
    """One side of quality, as it is shown. `choices` are links that show another selection, by their texts."""

    sentence: str
    charts: Sequence[Chart] = ()
    grids: Sequence[Grid] = ()
    empty: tuple[str, str] | None = None
    notes: Sequence[str] = ()
    choices: Sequence[tuple[str, str, bool]] = field(default_factory=list)


def _coverage(request: Request, state: ViewState, release: OpenRelease) -> Part:
    rows = quality.count(release, "coverage").to_pylist()
    if not rows:
        return Part("", empty=("The release has no facts.", "Run: finsync run --with-services"))
    sources, quarters = _distinct(rows, "source"), _distinct(rows, "quarter")
    chosen = state.get("source") if state.get("source") in sources else None
    count, first = quality.count_companies(release), _place(state)
    of_companies = quality.coverage_by_company(release, after=first, source=chosen).to_pylist()
    picture, by_company = _of_companies(request, state, release, of_companies, quarters, chosen)
    by_source = Grid(
        "Companies (facts) by source and quarter",
        ["Quarter", *sources],
        [
            [Cell(quarter_label(quarter)), *(_covered(rows, source, quarter, release) for source in sources)]
            for quarter in quarters
        ],
        _api(release, "coverage"),
    )
    last = first + len(_distinct(of_companies, "company_id"))
    return Part(
        f"{count:,} companies, {len(quarters)} quarters, {len(sources)} sources. Companies {first + 1:,} to {last:,}, "
        "those with the most facts first.",
        [_heatmap("Companies by source and quarter", rows, "source", "companies"), picture],
        [by_source, by_company],
        choices=_choices(state, sources, chosen, first, count),
    )


def _of_companies(
    request: Request,
    state: ViewState,
    release: OpenRelease,
    rows: Sequence[Mapping[str, Any]],
    quarters: Sequence[date],
    source: str | None,
) -> tuple[Chart, Grid]:
    """The facts of some companies by quarter: picture and table."""
    names, companies = _names(request, rows), _distinct(rows, "company_id", is_sorted=False)
    facts: dict[tuple[str, date], int] = {}
    for row in rows:
        key = row["company_id"], row["quarter"]
        facts[key] = facts.get(key, 0) + row["facts"]
    places = {each: place for place, each in enumerate(quarters)}, {each: n for n, each in enumerate(companies)}
    cells = [[places[0][quarter], places[1][company], n] for (company, quarter), n in facts.items()]
    labels = list(map(quarter_label, quarters))
    title = f"Facts by company and quarter, {source or 'all sources'}"
    data = {
        "x": labels,
        "y": [names[each] for each in companies],
        "cells": cells,
        "most": max(facts.values(), default=1),
    }

    def cell(company: str, quarter: date) -> Cell:
        if (company, quarter) not in facts:
            return Cell(None)
        return Cell(facts[company, quarter], _facts(release, quarter, company_id=company, source=source))

    lines = [
        [Cell(names[each], state.link(f"/company/{each}")), *(cell(each, quarter) for quarter in quarters)]
        for each in companies
    ]
    csv = _api(release, "coverage/companies", source=source, limit=1000)
    height = "tall" if len(companies) > LOW else "low"
    return Chart("heatmap", title, data, height), Grid(title, ["Company", *labels], lines, csv)


def _choices(
    state: ViewState, sources: Sequence[str], chosen: str | None, first: int, count: int
) -> list[tuple[str, str, bool]]:
    """Links to the coverage by one source, and to the companies before and after."""
    address = "/quality/coverage"
    choices = [("all sources", state.link(address), chosen is None)]
    choices += [(each, state.link(address, source=each), each == chosen) for each in sources]
    before, after = max(first - quality.COMPANIES, 0), first + quality.COMPANIES
    if first:
        choices.append(("previous companies", state.link(address, source=chosen, after=before or None), False))
    if after < count:
        choices.append(("next companies", state.link(address, source=chosen, after=after), False))
    return choices


def _agreement(request: Request, state: ViewState, release: OpenRelease) -> Part:
    rows = quality.count(release, "verdicts").to_pylist()
    if not rows:
        return Part("", empty=("No cell has a value.", "Run: finsync run --with-services"))
    verdicts = [each for each in FOUND if any(row["verdict"] == each for row in rows)]
    by_item = {item: {row["verdict"]: row for row in rows if row["item"] == item} for item in _distinct(rows, "item")}
    compared = {item: sum(row["compared"] for row in found.values()) for item, found in by_item.items()}
    differing = {
        item: sum(row["cells"] for verdict, row in found.items() if verdict not in ("single", *AGREED))
        for item, found in by_item.items()
    }
    worst = sorted(by_item, key=lambda item: (-differing[item] / max(compared[item], 1), -differing[item], item))
    shown = [item for item in worst if differing[item]][:WORST]
    total = sum(compared.values())
    agreed = sum(row["cells"] for row in rows if row["verdict"] in AGREED)
    grids = [
        Grid("Cells of each item by verdict, the worst items first", ["Item", "Differ", *map(_words, verdicts)], [
            [Cell(_words(item)), Cell(_share(state, differing[item], compared[item])),
             *(Cell(by_item[item][each]["cells"], _api(release, "agreement", item=item, verdict=each))
               if each in by_item[item] else Cell(None) for each in verdicts)]
            for item in worst
        ], _api(release, "verdicts")),
    ]  # fmt: skip
    try:
        pairs = quality.count(release, "source-pairs").to_pylist()
    except PublicationError:
        pairs = []
    if pairs:
        keys = list(dict.fromkeys((row["source"], row["other_source"]) for row in pairs))
        cells = {(row["source"], row["other_source"], row["verdict"]): row["cells"] for row in pairs}
        several = [each for each in verdicts if each != "single"]
        grids.append(
            Grid(
                "Cells that two sources have in common, by verdict",
                ["Sources", *map(_words, several)],
                [[Cell(" and ".join(key)), *(Cell(cells.get((*key, each))) for each in several)] for key in keys],
                _api(release, "source-pairs"),
                is_open=True,
            )
        )
    series = [
        {"name": _words(each), "stack": "all", "data": [by_item[i].get(each, {}).get("cells", 0) for i in shown]}
        for each in verdicts
        if each not in ("single", *AGREED)
    ]
    bars = [Chart("bars", "Cells on which sources differ, worst items", {
        "x": [_words(item) for item in shown], "series": series, "y": "cells",
    })]  # fmt: skip
    share, withheld = _share(state, agreed, total), sum(row["withheld"] for row in rows)
    agreeing = f"{share} of these agree" if share else "so nothing was compared"
    return Part(
        f"{total:,} cells have several sources; {agreeing}. {withheld:,} are withheld.",
        bars if shown else [],
        grids,
    )


def _identity(request: Request, state: ViewState, release: OpenRelease) -> Part:
    rows = quality.count(release, "methods").to_pylist()
    if not rows:
        return Part("", empty=("No row was decided.", "Run: finsync run --with-services"))
    sources = _distinct(rows, "source")
    ways = list(dict.fromkeys(_way(row) for row in sorted(rows, key=lambda row: (row["status"] != "accepted",))))
    counted = {(row["source"], _way(row)): row["rows"] for row in rows}
    total = sum(row["rows"] for row in rows)
    accepted = sum(row["rows"] for row in rows if row["status"] == "accepted")
    series = [{"name": way, "stack": "all", "data": [counted.get((s, way), 0) for s in sources]} for way in ways]
    return Part(
        f"{total:,} rows; the company of {state.numbers.share(accepted / total)} is certain. The others wait in the "
        "review queue.",
        [Chart("bars", "Rows by source and by how the company was found", {
            "x": sources, "series": series, "y": "rows"})],
        [Grid("Source names and rows by decision", ["Source", "Status", "Method", "Names", "Rows"], [
            [Cell(row["source"]), Cell(row["status"], None if row["status"] == "accepted" else state.link("/review")),
             Cell(row["method"]), Cell(row["names"]),
             Cell(row["rows"], _api(release, "decisions", source=row["source"], status=row["status"],
                                    method=row["method"]))]
            for row in rows
        ], _api(release, "methods"))],
    )  # fmt: skip


def _accounting(request: Request, state: ViewState, release: OpenRelease) -> Part:
    rows = quality.count(release, "item-grades").to_pylist()
    graded = [row for row in rows if row["grade"] is not None]
    if not graded:
        fix = "It needs items of one statement that belong together, such as assets and liabilities."
        return Part("", empty=("No accounting identity could be checked.", fix))
    for row in graded:
        row["percent"] = round(100 * row["grade"], 2)
    checks, failed = sum(row["checks"] for row in graded), sum(row["failed"] for row in graded)
    return Part(
        f"{checks:,} checks of items, {failed:,} failed. The grade is the share that holds exactly or closely.",
        [_heatmap("Grade in percent by item and source", graded, "item", "percent", across="source", most=100,
                  classes="tall")],
        [Grid("Accounting checks by source and item, the worst first",
              ["Item", "Source", "Grade", "Checks", "Exact", "Close", "Failed", "Culprit"], [
            [Cell(_words(row["item"])), Cell(row["source"]), Cell(state.numbers.share(row["grade"])),
             Cell(row["checks"], _api(release, "grades", item=row["item"], source=row["source"])),
             *(Cell(row[each]) for each in ("exact", "close")),
             Cell(row["failed"], _api(release, "accounting-checks", source=row["source"])), Cell(row["culprits"])]
            for row in sorted(graded, key=lambda row: (row["grade"], -row["checks"], row["item"]))
        ], _api(release, "item-grades"))],
    )  # fmt: skip


def _rejects(request: Request, state: ViewState, release: OpenRelease) -> Part:
    rows = quality.count(release, "reject-reasons").to_pylist()
    if not rows:
        return Part("", empty=("Nothing was rejected.", "Every delivered cell is used."))
    reasons, sources = _distinct(rows, "reason", is_sorted=False), _distinct(rows, "source")
    cells = {(row["reason"], row["source"]): row["cells"] for row in rows}
    series = [{"name": s, "stack": "all", "data": [cells.get((r, s), 0) for r in reasons[:WORST]]} for s in sources]
    return Part(
        f"{sum(row['cells'] for row in rows):,} cells are not used, for {len(reasons)} reasons.",
        [Chart("bars", "Cells that are not used, by reason", {
            "x": [_words(each) for each in reasons[:WORST]], "series": series, "y": "cells"})],
        [Grid("Cells that are not used, by reason and source", ["Reason", "Source", "Outcome", "Entries", "Cells"], [
            [Cell(_words(row["reason"]), state.link("/quality/rejects/rows", source=row["source"],
                                                    reason=row["reason"])),
             Cell(row["source"]), Cell(row["outcome"]), Cell(row["entries"]), Cell(row["cells"])]
            for row in rows
        ], _api(release, "reject-reasons"), is_open=True)],
    )  # fmt: skip


def _freshness(request: Request, state: ViewState, release: OpenRelease) -> Part:
    found = quality.freshness(context_of(request).deployment())
    rows = [{"source": source, **each} for source, of_source in found.items() for each in of_source]
    if not rows:
        return Part("", empty=("No source was ever asked.", "Run: finsync run --with-services"))
    states = _distinct(rows, "state")
    late = [row for row in rows if row["state"] != "current"]
    count = {(row["source"], row["state"]): 0 for row in rows}
    for row in rows:
        count[row["source"], row["state"]] += 1
    series = [{"name": each, "stack": "all", "data": [count.get((s, each), 0) for s in found]} for each in states]
    grids = [
        Grid("Quarters by source and state", ["Source", *states],
             [[Cell(source), *(Cell(count.get((source, each))) for each in states)] for source in found]),
    ]  # fmt: skip
    if late:
        grids.append(Grid("Quarters that are not current", ["Source", "Quarter", "State", "Why", "Rows", "Command"], [
            [Cell(row["source"]), Cell(quarter_label(row["quarter"])), Cell(row["state"]), Cell(row["why"]),
             Cell(row["rows"]), Cell(row["command"])]
            for row in sorted(late, key=lambda row: (row["quarter"], row["source"]), reverse=True)
        ], is_open=True))  # fmt: skip
    current = f"{len(late):,} of them are not current." if late else "All of them are current."
    return Part(
        f"{len(rows):,} stored quarters of {len(found)} sources. {current} Compared with what each source had when it "
        "was last asked.",
        [Chart("bars", "Quarters by state", {"x": list(found), "series": series, "y": "quarters"}, "low")],
        grids,
    )


def _changes(request: Request, state: ViewState, release: OpenRelease) -> Part:
    before = quality.release_before(context_of(request).published, release.folder)
    if before is None:
        return Part("", empty=("This is the first release.", "What the next one changes will be shown here."))
    counted, largest, lost = quality.changes(before, release.folder)
    rows = counted.to_pylist()
    if not rows:
        return Part(f"Since {before.name} no fact has changed.")
    kinds, sources = _distinct(rows, "change"), _distinct(rows, "source")
    facts = {(s, kind): 0 for s in sources for kind in kinds}
    for row in rows:
        facts[row["source"], row["change"]] += row["facts"]
    series = [{"name": kind, "stack": "all", "data": [facts[s, kind] for s in sources]} for kind in kinds]
    differences = f"/api/v1/releases/{before.name}/differences?against={release.name}&format=csv"
    written = state.numbers.full
    return Part(
        f"Since {before.name}: " + ", ".join(f"{sum(facts[s, k] for s in sources):,} {k}" for k in kinds) + ".",
        [Chart("bars", "Facts that changed, by source", {"x": sources, "series": series, "y": "facts"}, "low")],
        [
            Grid("Facts that changed, by source, item and kind", ["Source", "Item", "Change", "Facts"], [
                [Cell(row["source"]), Cell(_words(row["item"])), Cell(row["change"]), Cell(row["facts"], differences)]
                for row in rows
            ], differences),
            Grid("The largest changes, as a share of the larger value",
                 ["Company", "Item", "Period end", "Months", "Source", "Before", "After"], [
                [Cell(row["company_id"], state.link(f"/company/{row['company_id']}")), Cell(_words(row["item"])),
                 Cell(str(row["period_end"])), Cell(row["months"]), Cell(row["source"]),
                 Cell(written(row["before"])), Cell(written(row["after"]))]
                for row in largest.to_pylist()
            ], is_open=True),
        ],
        notes=lost,
    )  # fmt: skip


PARTS: Mapping[str, tuple[str, Callable[[Request, ViewState, OpenRelease], Part]]] = {
    "coverage": ("Coverage", _coverage),
    "agreement": ("Agreement between sources", _agreement),
    "identity": ("Whose rows they are", _identity),
    "accounting": ("Accounting grades", _accounting),
    "rejects": ("What is not used", _rejects),
    "freshness": ("Freshness", _freshness),
    "changes": ("Since the last release", _changes),
}
"""The parts by their addresses: title, and what makes them."""


def _heatmap(
    name: str, rows: Sequence[Mapping[str, Any]], down: str, value: str, across: str = "quarter", **more: Any
) -> Chart:
    x, y = _distinct(rows, across), _distinct(rows, down)
    cells = [[x.index(row[across]), y.index(row[down]), row[value]] for row in rows]
    labels = [quarter_label(each) if across == "quarter" else _words(each) for each in x]
    most = more.get("most", max((row[value] for row in rows), default=1))
    data = {"x": labels, "y": list(map(_words, y)), "cells": cells, "most": most}
    return Chart("heatmap", name, data, more.get("classes", "low"))


def _covered(rows: Iterable[Mapping[str, Any]], source: str, quarter: date, release: OpenRelease) -> Cell:
    for row in rows:
        if (row["source"], row["quarter"]) == (source, quarter):
            return Cell(f"{row['companies']:,} ({row['facts']:,})", _facts(release, quarter, source=source))
    return Cell(None)


def _facts(release: OpenRelease, quarter: date, **filters: str | None) -> str:
    """The facts of a quarter as CSV."""
    following = (quarter.replace(day=1) + timedelta(days=DAYS_OF_A_QUARTER)).replace(day=1)
    days = f"{quarter}...{following - timedelta(days=1)}"
    return _api(release, "facts", period_end=days, limit=10_000, **filters)


def _api(release: OpenRelease, path: str, **parameters: Any) -> str:
    """The address of the API for the same rows as CSV, of this very release."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return f"/api/v1/{path}?{urlencode({**given, 'release': release.name, 'format': 'csv'})}"


def _names(request: Request, rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    reference = decider_of(context_of(request).deployment()).reference
    ids = {row["company_id"] for row in rows}
    return {each: (found.name if (found := company_of(each, reference)) else None) or each for each in ids}


def _share(state: ViewState, part: int, of: int) -> str | None:
    return state.numbers.share(part / of) if of else None


def _distinct(rows: Iterable[Mapping[str, Any]], name: str, is_sorted: bool = True) -> list[Any]:
    found = list(dict.fromkeys(row[name] for row in rows))
    return sorted(found) if is_sorted else found


def _way(row: Mapping[str, Any]) -> str:
    return str(row["method"] if row["status"] == "accepted" else row["status"])


def _words(name: object) -> str:
    return str(name).replace("_", " ")


def _place(state: ViewState) -> int:
    text = state.get("after")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else 0
