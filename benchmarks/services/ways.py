"""The ways by which a client gets a million rows into a pandas frame, each as good as its server allows.

`python -m benchmarks.services.ways WAY URL` is one client: it goes one way once, in a process of its own whose imports
are done before the clock starts, and prints what it took and what it got as JSON.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import requests

from benchmarks.services.dataset import AMOUNTS, TABLE
from benchmarks.services.processes import peak_of_this_process
from finsync_pipeline.clients.source_service import SourceService

ARROW_STREAM = "application/vnd.apache.arrow.stream"
CHUNK_BYTES = 1 << 20
PAGE = "_size=max&_nocount=1&_nofacet=1"  # of Datasette: large, and without what costs it more


@dataclass(frozen=True)
class Taken:
    """One way, gone once: how long, the client's peak memory in MB, and what came, to compare."""

    seconds: float
    peak_megabytes: float
    rows: int
    missing: int
    total: float


def take(way: str, url: str) -> Taken:
    """Go one way in a new process."""
    command = [sys.executable, "-m", "benchmarks.services.ways", way, url]
    project = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the client of {way} failed:\n{done.stderr[-3000:]}")
    return Taken(**json.loads(done.stdout))


def our_table(_session: requests.Session, url: str) -> pd.DataFrame:
    """The whole table by the pipeline's own client: as Arrow, with length, digest, rows and texts checked."""
    with SourceService(TABLE, url) as service:
        rows = service.table()
        assert rows is not None, "our service has Arrow"
        return _frame(rows.table)


def our_query(_session: requests.Session, url: str) -> pd.DataFrame:
    """All rows by SQL that was never asked before, by the same client."""
    with SourceService(TABLE, url) as service:
        return _frame(service.query(f"SELECT * FROM {TABLE} WHERE 1 = 1 AND period <> 'x{time.time_ns()}'").table)


def roapi_table(session: requests.Session, url: str) -> pd.DataFrame:
    """The whole table as Arrow; ROAPI has the length and nothing else to check."""
    headers = {"Accept": ARROW_STREAM}
    response = session.get(f"{url}/api/tables/{TABLE}", headers=headers, stream=True)
    response.raise_for_status()
    return _frame(_table(_received(response)))


def datasette_json(session: requests.Session, url: str) -> pd.DataFrame:
    """The table page by page, rows as JSON lists."""
    frames = []
    following = f"{url}/{TABLE}/{TABLE}.json?_shape=arrays&{PAGE}"
    while following:
        response = session.get(following)
        response.raise_for_status()
        page = orjson.loads(response.content)
        frames.append(pd.DataFrame(page["rows"], columns=page["columns"]))
        following = page["next_url"]
    return pd.concat(frames, ignore_index=True)


def datasette_csv(session: requests.Session, url: str) -> pd.DataFrame:
    """The table as one stream of CSV, made of large pages."""
    response = session.get(f"{url}/{TABLE}/{TABLE}.csv?_stream=on&{PAGE}", stream=True)
    response.raise_for_status()
    return pa_csv.read_csv(response.raw).to_pandas(types_mapper=pd.ArrowDtype)


def plain_flask(session: requests.Session, url: str) -> pd.DataFrame:
    """All rows by SQL, as one JSON list of objects."""
    response = session.get(f"{url}/query", params={"q": f"SELECT * FROM {TABLE}"})
    response.raise_for_status()
    return pd.DataFrame(response.json())


def _received(response: requests.Response) -> pa.Buffer:
    """The body, read into one buffer of the length in its headers."""
    buffer = pa.allocate_buffer(int(response.headers["Content-Length"]))
    view, received = memoryview(buffer), 0
    while received < len(view):
        read = response.raw._fp.readinto(view[received : received + CHUNK_BYTES])
        if not read:
            raise ValueError(f"the response ended after {received} of {len(view)} bytes")
        received += read
    return buffer


def _table(buffer: pa.Buffer) -> pa.Table:
    return pa.ipc.open_stream(buffer).read_all()


def _frame(table: pa.Table) -> pd.DataFrame:
    return table.to_pandas(types_mapper=pd.ArrowDtype)


WAYS = {way.__name__: way for way in (our_table, our_query, roapi_table, datasette_json, datasette_csv, plain_flask)}


def _warm_up() -> None:
    """What Python libraries do at first use only, done before the clock starts."""
    sink = pa.BufferOutputStream()
    table = pa.table({"text": ["a"], "number": [1.0]})
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    _frame(_table(sink.getvalue()))


def _main(way: str, url: str) -> None:
    _warm_up()
    with requests.Session() as session:
        session.headers["Accept-Encoding"] = "identity"
        began = time.perf_counter()
        frame = WAYS[way](session, url)
        seconds = time.perf_counter() - began
    peak = peak_of_this_process()
    last = frame[AMOUNTS[-1]]
    total = float(frame[AMOUNTS[0]].sum())
    print(json.dumps(asdict(Taken(seconds, peak, len(frame), int(last.isna().sum()), total))))


if __name__ == "__main__":
    _main(*sys.argv[1:])
