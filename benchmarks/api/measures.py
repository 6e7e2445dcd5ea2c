"""The measures: each starts the servers that it compares, lets them work in turns, and gives figures."""

import json
import statistics
import threading
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from benchmarks.api import servers
from benchmarks.api.dataset import Dataset, publish_again
from benchmarks.api.load import Load, all_fine, load, percentile
from benchmarks.api.requests import Asking
from benchmarks.figure import Figure
from benchmarks.services.processes import Server
from benchmarks.services.progress import say

CLIENTS, MANY_CLIENTS = 8, 32
WARM_UP = 40
REQUESTS = 300
FEWER_REQUESTS = 40
MOST_MILLISECONDS = 50
MOST_GROWTH = 1.1
SECONDS_OF_A_TURN = 4
MEMORY_EVERY_SECONDS = 0.2
WARM_UP_SHARE = 0.5
MOST_WARM_UP = 1_000
NAMES = {
    "statements": "statements of a company",
    "after_mean": "filter of all companies by means",
    "before_mean": "filter of all periods before the mean",
    "facts": "facts of a company and item",
    "csv": "10,000 rows as CSV",
    "arrow": "10,000 rows as Arrow",
}
HELD = ("statements", "after_mean", "before_mean")


@dataclass(frozen=True)
class Setting:
    """The release, and how long to measure."""

    dataset: Dataset
    rounds: int
    soak_seconds: float


def latency(setting: Setting) -> Iterator[Figure]:
    """One client: the time within which 95 % of the answers came."""
    asking = Asking(setting.dataset)
    kinds = {"statements": asking.statements(), "after_mean": asking.after_mean(), "before_mean": asking.before_mean()}
    kinds |= {"facts": asking.facts(), "csv": asking.all_facts("csv"), "arrow": asking.all_facts("arrow")}
    with servers.api(setting.dataset) as server:
        for kind, paths in kinds.items():
            is_large = kind in ("csv", "arrow")
            all_fine(load(server.url, paths, 1, most=WARM_UP // 10 if is_large else WARM_UP))
            used = server.processor_seconds()
            found = all_fine(load(server.url, paths, 1, most=FEWER_REQUESTS if is_large else REQUESTS))
            used = 1000 * (server.processor_seconds() - used) / len(found.milliseconds)
            say(f"{kind}: half within {found.within(0.5):.1f} ms, {used:.1f} ms of the server's processor each")
            bound = "<=" if kind in HELD else ""
            yield Figure(f"{NAMES[kind]}: p95", round(found.within(0.95), 1), bound, MOST_MILLISECONDS, "ms")


def throughput(setting: Setting) -> Iterator[Figure]:
    """As many clients as keep a server busy: the API against Datasette over the same tables."""
    asking = Asking(setting.dataset)
    ours = {"statements": asking.statements(), "after_mean": asking.after_mean(), "before_mean": asking.before_mean()}
    theirs = asking.of_datasette()
    with servers.api(setting.dataset) as api, servers.datasette(setting.dataset) as datasette:
        for kind in HELD:
            _compare(kind, api, datasette, setting.dataset)
            turns = {"the API": (api, ours[kind]), "Datasette": (datasette, theirs[kind])}
            rates = _rates(turns, setting.rounds)
            for name, rate in rates.items():
                yield Figure(f"{NAMES[kind]}: {name}", round(rate, 1), unit="/s")
            ratio = rates["the API"] / rates["Datasette"]
            yield Figure(f"{NAMES[kind]}: times as many as Datasette", round(ratio, 3), ">=", 1, "x")


def under_load(setting: Setting) -> Iterator[Figure]:
    """All kinds of requests at once by many clients: memory, and answers that are none."""
    paths = Asking(setting.dataset).everything()
    with servers.api(setting.dataset) as server:
        load(server.url, paths, MANY_CLIENTS, seconds=WARM_UP_SHARE * setting.soak_seconds, most=MOST_WARM_UP)
        memory = _Memory(server)
        found = load(server.url, paths, MANY_CLIENTS, seconds=setting.soak_seconds)
        memory.stop()
    for example in found.invalid[:5]:
        say(f"invalid: {example}")
    name = f"{MANY_CLIENTS} clients for {setting.soak_seconds:g} s"
    say(", ".join(f"{status} {number:,} times" for status, number in sorted(found.statuses.items())))
    busy = sum(found.statuses[status] for status in (429, 503))
    yield Figure(f"{name}: answers", round(found.per_second, 1), unit="/s")
    yield Figure(f"{name}: answers 429 and 503", round(100 * busy / found.statuses.total(), 3), unit="%")
    yield Figure(f"{name}: invalid answers", len(found.invalid), "=", 0)
    yield Figure(f"{name}: p95", round(found.within(0.95)), unit="ms")
    yield Figure(f"{name}: peak memory", round(max(memory.megabytes)), unit="MB")
    yield Figure(f"{name}: last third, of the first", round(growth(memory.megabytes), 3), "<=", MOST_GROWTH, "x")


def opening(setting: Setting) -> Iterator[Figure]:
    """The first answer after a release was published, which opens it."""
    path = next(Asking(setting.dataset).statements())
    seconds = []
    with servers.api(setting.dataset) as server:
        all_fine(load(server.url, repeat(path), 1, most=WARM_UP))
        for _ in range(setting.rounds):
            name = publish_again(setting.dataset)
            began = time.perf_counter()
            answered = _json(server.url + path)["release"]
            seconds.append(time.perf_counter() - began)
            if answered != name:
                raise RuntimeError(f"release {answered} answers after {name} was published")
    yield Figure("first answer of a new release", round(statistics.median(seconds), 2), unit="s")


def frameworks(setting: Setting) -> Iterator[Figure]:
    """The framework of the API against that of the source services: one route with the same bytes."""
    with (
        servers.framework("aiohttp") as aiohttp,
        servers.framework("fastapi") as fastapi,
        servers.framework("fast_fastapi") as fast,
    ):
        turns = {
            "aiohttp": (aiohttp, repeat("/?limit=10")),
            "FastAPI, as the API has it": (fastapi, repeat("/?limit=10")),
            "FastAPI, as fast as it can": (fast, repeat("/?limit=10")),
        }
        rates = _rates(turns, setting.rounds)
    for name, rate in rates.items():
        yield Figure(f"one route: {name}", round(rate), unit="/s")
    for name in list(rates)[1:]:
        yield Figure(f"one route: {name}, of aiohttp", round(rates[name] / rates["aiohttp"], 3), unit="x")


MEASURES: Mapping[str, Callable[[Setting], Iterator[Figure]]] = {
    each.__name__: each for each in (latency, throughput, under_load, opening, frameworks)
}


def growth(megabytes: list[float]) -> float:
    """The peak of the last third as a multiple of that of the first third."""
    third = max(1, len(megabytes) // 3)
    return max(megabytes[-third:]) / max(megabytes[:third])


def _rates(turns: Mapping[str, tuple[Server, Iterator[str]]], rounds: int) -> dict[str, float]:
    """Answers per second of each server, which work in turns: the medians."""
    found: dict[str, list[Load]] = defaultdict(list)
    for server, paths in turns.values():
        all_fine(load(server.url, paths, CLIENTS, most=WARM_UP))
    for _ in range(rounds):
        for name, (server, paths) in turns.items():
            used = server.processor_seconds()
            each = all_fine(load(server.url, paths, CLIENTS, seconds=SECONDS_OF_A_TURN))
            used = 1000 * (server.processor_seconds() - used) / len(each.milliseconds)
            size = each.bytes / len(each.milliseconds)
            say(f"{name}: {each.per_second:.1f}/s, {used:.2f} ms of the server's processor and {size:,.0f} bytes each")
            found[name].append(each)
    return {name: percentile([each.per_second for each in loads], 0.5) for name, loads in found.items()}


def _compare(kind: str, api: Server, datasette: Server, dataset: Dataset) -> None:
    """Raise RuntimeError if both do not answer the same: this number of rows, of these companies or periods."""
    asking = Asking(dataset)
    path = next(
        {"statements": asking.statements, "after_mean": asking.after_mean, "before_mean": asking.before_mean}[kind]()
    )
    key = "period_end" if kind == "statements" else "company_id"
    ours = _json(api.url + path)["rows"]
    theirs = _json(datasette.url + next(asking.of_datasette()[kind]))["rows"]
    if sorted(row[key] for row in ours) != sorted(row[key] for row in theirs) or not ours:
        raise RuntimeError(f"{kind}: the API has {len(ours)} rows, Datasette {len(theirs)}, or they are others")
    say(f"{kind}: both answer with {len(ours)} rows")


def _json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)


class _Memory:
    """The resident memory of a server at even intervals until it is stopped."""

    def __init__(self, server: Server) -> None:
        self.megabytes: list[float] = []
        self._server, self._end = server, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(MEMORY_EVERY_SECONDS):
            self.megabytes.append(self._server.resident_megabytes())
