"""The measures: each starts the servers that it compares, lets them work in turns, and gives figures."""

import random
import statistics
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from math import isclose
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.services import peers, small_queries
from benchmarks.services.dataset import TABLE
from benchmarks.services.processes import Server
from benchmarks.services.progress import say
from benchmarks.services.soak import BUSY, soak
from benchmarks.services.ways import Taken, take

CLIENTS = 32
NAMES = {
    "our_table": "ours (Arrow)",
    "our_query": "ours (Arrow)",
    "roapi_table": "ROAPI (Arrow)",
    "datasette_json": "Datasette (pages of JSON)",
    "datasette_csv": "Datasette (CSV)",
    "plain_flask": "plain Flask (JSON)",
}
SECONDS_OF_SMALL_QUERIES = 4
MOST_SMALL_QUERIES = 30_000  # per second and server: as many different ones are ready


@dataclass(frozen=True)
class Setting:
    """The SQLite files of many rows and of fewer, and how long to measure."""

    database: Path
    fewer: Path
    rows: int
    rounds: int
    soak_seconds: float


def whole_table(setting: Setting) -> Iterator[Figure]:
    """The whole table into a pandas frame: ours against Datasette's best way and ROAPI."""
    with ExitStack() as stack:
        ours = stack.enter_context(peers.ours(setting.database))
        roapi = stack.enter_context(peers.roapi(setting.database))
        datasette = stack.enter_context(peers.datasette(setting.database))
        by_json, by_csv = (take(way, datasette.url) for way in ("datasette_json", "datasette_csv"))
        say(f"Datasette: {by_json.seconds:.1f} s by pages of JSON, {by_csv.seconds:.1f} s by CSV")
        its_best = "datasette_json" if by_json.seconds < by_csv.seconds else "datasette_csv"
        quick = [("our_table", ours), ("roapi_table", roapi)]
        taken = _in_turns([*quick, *quick[::-1], *quick, (its_best, datasette)], setting.rounds)
        yield from _seconds_and_memory("whole table", taken)
        yield _times_as_fast("whole table", taken, "our_table", its_best, "Datasette", 30)
        yield _times_as_fast("whole table", taken, "our_table", "roapi_table", "ROAPI", 1)


def large_query(setting: Setting) -> Iterator[Figure]:
    """All rows as the result of SQL, which no cache can know: ours against a plain Flask service."""
    with peers.ours(setting.database) as ours, peers.plain_flask(setting.database) as flask:
        turn = [("our_query", ours), ("plain_flask", flask), ("our_query", ours)]
        taken = _in_turns(turn, setting.rounds)
        yield from _seconds_and_memory("large query", taken)
        yield _times_as_fast("large query", taken, "our_query", "plain_flask", "plain Flask", 8)


def small_query(setting: Setting) -> Iterator[Figure]:
    """One row by its key, as often as each server can: ours against Datasette."""
    if not small_queries.has_wrk():
        say("wrk is not installed: a slower client sends the small queries, the same for both")
    rows = random.Random(0).sample(range(setting.rows), setting.rows)
    number = min(setting.rows // setting.rounds, MOST_SMALL_QUERIES * SECONDS_OF_SMALL_QUERIES)
    with peers.ours(setting.database) as ours, peers.datasette(setting.database) as datasette:
        servers = {
            "ours": (ours, f"{ours.url}/query?q="),
            "Datasette": (datasette, f"{datasette.url}/{TABLE}.json?_shape=arrays&sql="),
        }
        for key, statement_of in small_queries.KEYS.items():
            if len({str(small_queries.rows_of(url, statement_of(rows[0]))) for _, url in servers.values()}) > 1:
                raise RuntimeError(f"the servers have different rows for {statement_of(rows[0])}")
            rates: dict[str, list[float]] = defaultdict(list)
            for turn in range(setting.rounds):
                statements = [statement_of(row) for row in rows[turn * number : (turn + 1) * number]]
                for name, (server, url) in servers.items():
                    used = server.processor_seconds()
                    rate = small_queries.rate(url, statements, SECONDS_OF_SMALL_QUERIES)
                    used = (server.processor_seconds() - used) / SECONDS_OF_SMALL_QUERIES / rate.per_second
                    rates[name].append(rate.per_second)
                    say(f"by {key}, {name}: {rate}, {1e6 * used:.0f} us of the server's processor each")
            medians = {name: statistics.median(each) for name, each in rates.items()}
            for name, median in medians.items():
                yield Figure(f"small queries by {key}: {name}", round(median), unit="/s")
            ratio = medians["ours"] / medians["Datasette"]
            yield Figure(f"small queries by {key}: times as many as Datasette", ratio, ">=", 1, "x")
        for name, (server, _) in servers.items():
            yield Figure(f"small queries: {name}, peak of server", round(server.peak_megabytes()), unit="MB")


def memory(setting: Setting) -> Iterator[Figure]:
    """Our server's peak memory while it loads, sends whole tables, and responds with all rows: many against fewer."""
    peaks: dict[str, list[float]] = defaultdict(list)
    for database in (setting.fewer, setting.database):
        with peers.ours(database) as server:
            peaks["loading"].append(server.peak_megabytes())
            for name, work in (("whole tables", _whole_tables), ("large queries", _large_queries)):
                server.reset_peak()
                work(server, setting.rounds)
                peaks[name].append(server.peak_megabytes())
        say(", ".join(f"{name} {each[-1]:.0f} MB" for name, each in peaks.items()))
    for name, (fewer, many) in peaks.items():
        yield Figure(f"memory of the server, {name}: {setting.rows:,} rows", round(many), unit="MB")
        bound = "" if name == "loading" else "<="
        yield Figure(f"memory of the server, {name}: ten times the rows", many / fewer, bound, 1.25, "x")


def under_load(setting: Setting) -> Iterator[Figure]:
    """All routes of ours at once, by many clients."""
    with peers.ours(setting.database) as server:
        report = soak(server.url, setting.soak_seconds, CLIENTS, server.pid)
    for (kind, status), number in sorted(report.responses.items()):
        say(f"{kind}: {status} {number:,} times")
    for failure in report.failures[:10]:
        say(f"failure: {failure}")
    name = f"{CLIENTS} clients for {setting.soak_seconds:g} s"
    busy = sum(number for (_, status), number in report.responses.items() if status in BUSY)
    yield Figure(f"{name}: responses", round(report.per_second), unit="/s")
    yield Figure(f"{name}: responses 429 and 503", 100 * busy / report.responses.total(), unit="%")
    yield Figure(f"{name}: invalid or missing responses", len(report.failures), "=", 0)
    yield Figure(f"{name}: peak memory of the server", round(max(report.memory)), unit="MB")
    yield Figure(f"{name}: memory at the end, of that at the start", report.memory_growth, "<=", 1.1, "x")


MEASURES: dict[str, Callable[[Setting], Iterator[Figure]]] = {
    each.__name__: each for each in (whole_table, large_query, small_query, memory, under_load)
}


@dataclass(frozen=True)
class _Way:
    server: Server
    taken: list[Taken]

    @property
    def seconds(self) -> float:
        return statistics.median(each.seconds for each in self.taken)


def _in_turns(turn: Sequence[tuple[str, Server]], rounds: int) -> dict[str, _Way]:
    """Go all ways in turn, `rounds` times. What they get must be the same."""
    found = {way: _Way(server, []) for way, server in turn}
    for way in found.values():
        way.server.reset_peak()
    for number in range(rounds):
        for way, server in turn:
            used = server.processor_seconds()
            taken = take(way, server.url)
            used = server.processor_seconds() - used
            found[way].taken.append(taken)
            say(f"round {number + 1}, {NAMES[way]}: {taken.seconds:.3f} s, {used:.2f} s of the server's processor")
    everything = [taken for way in found.values() for taken in way.taken]
    for taken in everything:
        first = everything[0]
        same = (taken.rows, taken.missing) == (first.rows, first.missing)
        if not (same and isclose(taken.total, first.total, rel_tol=1e-9)):
            raise RuntimeError(f"two ways got different tables: {first}, {taken}")
    return found


def _seconds_and_memory(what: str, found: dict[str, _Way]) -> Iterator[Figure]:
    for name, way in ((NAMES[way], taken) for way, taken in found.items()):
        yield Figure(f"{what}: {name}", round(way.seconds, 3), unit="s")
        yield Figure(f"{what}: {name}, peak of server", round(way.server.peak_megabytes()), unit="MB")
        yield Figure(f"{what}: {name}, peak of client", round(max(e.peak_megabytes for e in way.taken)), unit="MB")


def _times_as_fast(what: str, found: dict[str, _Way], our: str, their: str, peer: str, target: float) -> Figure:
    ratio = found[their].seconds / found[our].seconds
    return Figure(f"{what}: times as fast as {peer}", ratio, ">=", target, "x")


def _whole_tables(server: Server, rounds: int) -> None:
    for _ in range(rounds):
        take("our_table", server.url)
        for form in ("csv", "ndjson", "parquet"):
            _drain(f"{server.url}/data?format={form}")


def _large_queries(server: Server, rounds: int) -> None:
    for _ in range(rounds):
        take("our_query", server.url)


def _drain(url: str) -> None:
    with urllib.request.urlopen(url, timeout=300) as response:
        while response.read(1 << 20):
            pass
