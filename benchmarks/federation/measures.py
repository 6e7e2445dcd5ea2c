"""The measures: queries that are answered from parts of the sources, against everything of them, in turns."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.federation import dataset, queries
from benchmarks.federation.mediator import Answered, Mediator, Way, mediating
from benchmarks.federation.peers import Found, peer
from benchmarks.federation.sources import served
from benchmarks.figure import Figure
from benchmarks.services import peers as servers
from benchmarks.services.progress import say

FASTER = {"one company and quarter": 30, "one quarter": 15, "top 10": 10, "one company of three sources": 15}
"""How many times as fast as fetching all of it."""
SHARE_OF_BYTES = 1 / 10_000
MOST_MEGABYTES = {"small parts": 1_024, "all rows": 4_096}
SLACK = 1.1
"""What a full scan may take of what fetching all takes: two ways of the same work differ by as much."""
QUICK_TURNS = 3
"""How often the quick way is measured for each time that the slow one is."""
FEWER = 5
"""One source of other cells or other names has this share of the rows."""
ROWS_OF_FINANCIALS = 20_000


@dataclass(frozen=True)
class Setting:
    """The folder of the sources and of the list, the rows of each source, how often to measure."""

    folder: Path
    rows: int
    rounds: int


def large(setting: Setting) -> Iterator[Figure]:
    """Parts of three large sources and all of one, against fetching all; and what is not FinSync beside it."""
    with _deployed(setting, "large", dataset.SOURCES, setting.rows) as deployed:
        yield from _first_query("first query over a new version", deployed)
        with ExitStack() as stack:
            quick, slow = (stack.enter_context(deployed.mediator()) for _ in range(2))
            company = deployed.companies[len(deployed.companies) // 3]
            asked = {
                **queries.small_parts(company.id),
                "one company of three sources": queries.three_sources(company.id),
            }
            peaks = []
            for name, each in asked.items():
                for view, sql in each.items():
                    measured = _in_turns({"parts": (quick, sql), "everything": (slow, sql)}, setting.rounds)
                    peaks.append(measured["parts"].peak)
                    yield from _compared(f"{name}, {view}", measured, FASTER[name], name)
            yield _bounded_memory("small parts", max(peaks))
            yield from _kept(quick, asked["top 10"]["income_statement"])
            yield from _beside_peers(quick, deployed, company, setting.rounds)
        yield from _full_scan(deployed, setting.rounds)


def bracketed(setting: Setting) -> Iterator[Figure]:
    """The same where numbers are texts, such as (1,234)."""
    yield from _of_one_source(setting, "bracketed", "texts as numbers")


def named(setting: Setting) -> Iterator[Figure]:
    """The same where companies are named, with damage, and the id supports the name."""
    yield from _of_one_source(setting, "named", "names with supporting ids")


def financials(setting: Setting) -> Iterator[Figure]:
    """`financials`, which compares all rows of all sources; on fewer rows."""
    rows = min(ROWS_OF_FINANCIALS, setting.rows)
    with _deployed(setting, "fewer", dataset.SOURCES, rows) as deployed, deployed.mediator() as mediator:
        sql = f"SELECT * FROM financials WHERE period_end = '{dataset.QUARTER}'"
        for what, way in (("first", "kept"), ("from those that were kept", "parts")):
            answered = mediator.ask(sql, way)
            yield Figure(f"financials of 3 x {rows:,} rows: {what}", round(answered.seconds, 3), unit="s")


MEASURES: dict[str, Callable[[Setting], Iterator[Figure]]] = {
    each.__name__: each for each in (large, bracketed, named, financials)
}


@dataclass(frozen=True)
class _Deployed:
    """Services that are running, and the list of their companies."""

    urls: Mapping[str, str]
    companies: Sequence[dataset.Company]
    folder: Path

    def file(self, source: str) -> Path:
        return self.folder / f"{source}.sqlite"

    @contextmanager
    def mediator(self, cache: str = "kept") -> Iterator[Mediator]:
        with mediating(self.urls, self.folder / "reference", self.folder / cache) as mediator:
            yield mediator


@dataclass(frozen=True)
class _Measured:
    """What was measured of one way."""

    taken: list[Answered]

    @property
    def seconds(self) -> float:
        return statistics.median(each.seconds for each in self.taken)

    @property
    def bytes(self) -> int:
        return max(each.bytes for each in self.taken)

    @property
    def peak(self) -> float:
        return max(each.peak_megabytes for each in self.taken)


@contextmanager
def _deployed(setting: Setting, name: str, sources: Sequence[str], rows: int) -> Iterator[_Deployed]:
    """The sources are made, and each is served by a process of its own."""
    folder = setting.folder / name
    companies = dataset.companies(-(-rows // dataset.QUARTERS))
    dataset.write_reference(companies, folder / "reference")
    with ExitStack() as stack:
        urls = {}
        for source in sources:
            say(f"making and loading {rows:,} rows of {source}")
            file = dataset.write_source(source, companies, rows, folder)
            urls[source] = stack.enter_context(served(file)).url
        yield _Deployed(urls, companies, folder)


def _in_turns(ways: Mapping[Way, tuple[Mediator, str]], rounds: int) -> dict[Way, _Measured]:
    """Ask in turn, `rounds` times, after each way was asked once. What comes must be the same."""
    found: dict[Way, _Measured] = {way: _Measured([]) for way in ways}
    warm = [mediator.ask(sql, way) for way, (mediator, sql) in ways.items()]
    for _ in range(rounds):
        for way, (mediator, sql) in ways.items():
            for _ in range(QUICK_TURNS if way == "parts" else 1):
                found[way].taken.append(mediator.ask(sql, way))
    everything = [*warm, *(each for measured in found.values() for each in measured.taken)]
    if len({(each.rows, each.digest) for each in everything}) > 1:
        raise RuntimeError(f"the ways {', '.join(ways)} have different answers: {everything}")
    if not everything[0].rows:
        raise RuntimeError(f"nothing is found by {ways}")
    return found


def _compared(what: str, measured: Mapping[Way, _Measured], target: float, name: str) -> Iterator[Figure]:
    """Seconds and bytes of the parts, of those of everything."""
    parts, everything = measured["parts"], measured["everything"]
    of_parts, of_all = (f"{each.seconds:.3f} s, {each.bytes:,} bytes" for each in (parts, everything))
    say(f"{what}: parts {of_parts}; all {of_all}")
    yield Figure(what, round(1000 * parts.seconds), unit="ms")
    yield Figure(f"{what}: times as fast as fetching all", everything.seconds / parts.seconds, ">=", target, "x")
    is_bound = name == "one company and quarter"
    bound = "<=" if is_bound else ""
    share = parts.bytes / everything.bytes
    yield Figure(f"{what}: bytes, of those of fetching all", share, bound, SHARE_OF_BYTES)


def _first_query(what: str, deployed: _Deployed) -> Iterator[Figure]:
    """The first query learns names and period ends of each source."""
    with deployed.mediator() as mediator:
        answered = mediator.ask(queries.one_cell(deployed.companies[-1].id)["facts"])
    yield Figure(f"{what}, {len(deployed.urls)} sources", round(answered.seconds, 2), unit="s")
    yield Figure(f"{what}: received", round(answered.bytes / 1e6, 1), unit="MB")
    yield Figure(
        f"{what}: peak of the mediator", round(answered.peak_megabytes), "<=", MOST_MEGABYTES["all rows"], "MB"
    )


def _bounded_memory(what: str, peak: float) -> Figure:
    return Figure(f"memory of the mediator, {what}", round(peak), "<=", MOST_MEGABYTES[what], "MB")


def _kept(mediator: Mediator, sql: str) -> Iterator[Figure]:
    """The same query once more, from the cache."""
    mediator.ask(sql, "kept")
    taken = [mediator.ask(sql, "kept") for _ in range(QUICK_TURNS)]
    if not all(each.is_from_cache for each in taken):
        raise RuntimeError("the answer is not kept")
    yield Figure("a query that was asked before", round(1000 * _Measured(taken).seconds), unit="ms")


def _full_scan(deployed: _Deployed, rounds: int) -> Iterator[Figure]:
    """All rows of one source: by the mediator, and by a plain download that the same rules read."""
    source, view = "income", "income_statement"
    one = _Deployed({source: deployed.urls[source]}, deployed.companies, deployed.folder)
    with ExitStack() as stack:
        sql = queries.everything(view)
        ways: tuple[Way, Way] = ("everything", "plain client")
        planned, plain = (stack.enter_context(one.mediator()) for _ in ways)
        measured = _in_turns({"parts": (planned, sql), "plain client": (plain, sql)}, rounds)
    mediator, client = measured["parts"], measured["plain client"]
    yield Figure("all rows of one source", round(mediator.seconds, 2), unit="s")
    ratio = mediator.seconds / client.seconds
    yield Figure("all rows: time, of that of a plain download that is read", ratio, "<=", SLACK, "x")
    yield _bounded_memory("all rows", mediator.peak)
    yield Figure("memory of a plain download that is read", round(client.peak), unit="MB")


def _of_one_source(setting: Setting, source: str, what: str) -> Iterator[Figure]:
    """First query, parts and a full scan of one smaller source."""
    rows = setting.rows // FEWER
    with _deployed(setting, source, [source], rows) as deployed:
        yield from _first_query(f"{what} ({rows:,} rows): first query", deployed)
        with ExitStack() as stack:
            quick, slow = (stack.enter_context(deployed.mediator()) for _ in range(2))
            company = deployed.companies[len(deployed.companies) // 3]
            for name, each in queries.small_parts(company.id).items():
                sql = each["income_statement"]
                measured = _in_turns({"parts": (quick, sql), "everything": (slow, sql)}, 1)
                parts, everything = measured["parts"], measured["everything"]
                yield Figure(f"{what}: {name}", round(1000 * parts.seconds), unit="ms")
                ratio = everything.seconds / parts.seconds
                yield Figure(f"{what}: {name}, times as fast as fetching all", ratio, unit="x")
            answered = quick.ask(queries.everything())
            yield Figure(f"{what}: all rows", round(answered.seconds, 2), unit="s")


def _beside_peers(mediator: Mediator, deployed: _Deployed, company: dataset.Company, rounds: int) -> Iterator[Figure]:
    """DuckDB in process over the SQLite file, and shillelagh over Datasette; neither knows ids, units and signs."""
    spelled = ", ".join("'" + spelling + "'" for spelling in dataset.spellings(company, "income"))
    asked = {
        "one company and quarter": f"WHERE company IN ({spelled}) AND period_end = '{dataset.QUARTER}'",
        "one quarter": f"WHERE period_end = '{dataset.QUARTER}'",
        "top 10": "ORDER BY c_revenue DESC LIMIT 10",
    }
    ours = queries.small_parts(company.id)
    file = deployed.file("income")
    with (
        servers.datasette(file) as server,
        peer("duckdb", [file]) as duckdb,
        peer("shillelagh", []) as shillelagh,
    ):
        for name, condition in asked.items():
            tables = {"DuckDB's reader of SQLite": (duckdb, "income.income")}
            tables["shillelagh over Datasette"] = (shillelagh, f'"{server.url}/income/income"')
            sql = {
                kind: (each, f"SELECT company, period_end, c_revenue, c_net_income FROM {table} {condition}")
                for kind, (each, table) in tables.items()
            }
            found: dict[str, list[Found]] = {kind: [each.ask(text)] for kind, (each, text) in sql.items()}
            taken = [mediator.ask(ours[name]["income_statement"])]
            for _ in range(rounds):
                taken.append(mediator.ask(ours[name]["income_statement"]))
                for kind, (each, text) in sql.items():
                    found[kind].append(each.ask(text))
            if name == "one company and quarter":
                _check_same(taken[0], found)
            for kind, each in found.items():
                seconds = statistics.median(one.seconds for one in each[1:])
                yield Figure(f"{name}: {kind}", round(1000 * seconds), unit="ms")
                ratio = seconds / _Measured(taken[1:]).seconds
                yield Figure(f"{name}: times as fast as {kind}", ratio, unit="x")


def _check_same(ours: Answered, found: Mapping[str, Sequence[Found]]) -> None:
    """The numbers of the one cell are those of the file."""
    for kind, each in found.items():
        if [row[2:] for row in each[0].shown] != [row[2:] for row in ours.shown]:
            raise RuntimeError(f"{kind} has {each[0].shown}, the mediator {ours.shown}")
