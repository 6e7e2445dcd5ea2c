"""A snapshot: one version of the table while it is served, with its connections, its cache and its Arrow file."""

from collections import OrderedDict
from hashlib import file_digest

from source_services.data.table_metadata import TableMetadata
from source_services.query.connection import GuardedConnection
from source_services.query.execution import Result
from source_services.query.spool import Body, repr_digest
from source_services.settings import Limits

MOST_SMALL_RESULTS = 10_000
MOST_LARGE_RESULTS = 128
"""Each is an open file, of which a process may have a thousand."""

OVERHEAD_BYTES = 1_000
"""What a cached result takes in memory besides its body."""


class Snapshot:
    """One version, which never changes. It is closed when it is retired and no longer used."""

    def __init__(self, metadata: TableMetadata, limits: Limits) -> None:
        self.metadata = metadata
        self._small_results = _ResultCache(limits.kept_small_bytes, MOST_SMALL_RESULTS)
        self._large_results = _ResultCache(limits.kept_bytes, MOST_LARGE_RESULTS)
        whole_table = metadata.arrow.open("rb")
        digest = repr_digest(file_digest(whole_table, "sha256").digest())
        self.whole_table = Result(Body(whole_table, whole_table.tell(), digest), metadata.row_count)
        # All now: an unreadable file is noticed early, and the files can be removed when another version is served
        self._idle = [GuardedConnection(metadata, limits) for _ in range(limits.connections)]
        self._uses, self._is_retired = 0, False

    @property
    def version(self) -> str:
        """The data version."""
        return self.metadata.data_version

    def __enter__(self) -> "Snapshot":
        self._uses += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._uses -= 1
        self._close_if_unused()

    def retire(self) -> None:
        """Another version is served from now on."""
        self._is_retired = True
        self._close_if_unused()

    def cached(self, tag: str) -> Result | None:
        """The cached result with this entity tag."""
        return self._small_results.get(tag) or self._large_results.get(tag)

    def cache(self, tag: str, result: Result) -> None:
        """Cache the result: in memory if it is small, else on disk."""
        is_small = isinstance(result.body.content, bytes)
        (self._small_results if is_small else self._large_results).add(tag, result)

    def take(self) -> GuardedConnection:
        """A connection for one query; there are as many as queries may run."""
        connection = self._idle.pop()
        self._uses += 1
        return connection

    def give_back(self, connection: GuardedConnection) -> None:
        """The query has ended."""
        self._idle.append(connection)
        self.__exit__()

    def _close_if_unused(self) -> None:
        if self._is_retired and self._uses == 0:
            for connection in self._idle:
                connection.close()
            self._idle.clear()


class _ResultCache:
    """Results by their entity tag; above the limit of bytes or results, the least recently used ones are removed."""

    def __init__(self, most_bytes: int, most_results: int) -> None:
        self._most_bytes, self._most_results, self._bytes = most_bytes, most_results, 0
        self._results: OrderedDict[str, Result] = OrderedDict()

    def get(self, tag: str) -> Result | None:
        if tag in self._results:
            self._results.move_to_end(tag)
        return self._results.get(tag)

    def add(self, tag: str, result: Result) -> None:
        if result.body.length > self._most_bytes or tag in self._results:
            return
        self._results[tag] = result
        self._bytes += result.body.length + OVERHEAD_BYTES
        while self._bytes > self._most_bytes or len(self._results) > self._most_results:
            _, oldest = self._results.popitem(last=False)
            self._bytes -= oldest.body.length + OVERHEAD_BYTES
