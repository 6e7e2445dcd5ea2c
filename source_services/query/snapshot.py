"""A version of the table while it is served: its connections, its kept answers, its Arrow file."""

from base64 import b64encode
from collections import OrderedDict
from collections.abc import Hashable
from hashlib import file_digest
from pathlib import Path

from source_services.data.table_metadata import Holdings
from source_services.query.connection import GuardedConnection
from source_services.query.formats import Answer
from source_services.query.spool import Body
from source_services.settings import Limits

MOST_SMALL = 10_000
MOST_FILES = 128
"""Each is an open file, of which a process may have a thousand."""


class Snapshot:
    """One version, which never changes. It is closed when it is retired and nobody uses it any more."""

    def __init__(self, holdings: Holdings, limits: Limits) -> None:
        self.holdings = holdings
        self.kept = KeptAnswers(limits)
        self.whole = Answer(_open_whole(holdings.arrow), holdings.row_count)
        # All at once: what cannot be read is noticed now, and the files may go when another version is published
        self._idle = [GuardedConnection(holdings, limits) for _ in range(limits.connections)]
        self._uses, self._is_retired = 0, False

    @property
    def version(self) -> str:
        """The data version."""
        return self.holdings.data_version

    def __enter__(self) -> "Snapshot":
        self._uses += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._uses -= 1
        self._close_if_done()

    def retire(self) -> None:
        """Another version is served from now on."""
        self._is_retired = True
        self._close_if_done()

    def take(self) -> GuardedConnection:
        """A connection of one's own; there are as many as queries may run."""
        return self._idle.pop()

    def give_back(self, connection: GuardedConnection) -> None:
        """The connection is free again."""
        self._idle.append(connection)

    def _close_if_done(self) -> None:
        if self._is_retired and self._uses == 0:
            for connection in self._idle:
                connection.close()
            self._idle.clear()


class KeptAnswers:
    """Answers by their question: small ones in memory, large ones on disk."""

    def __init__(self, limits: Limits) -> None:
        self._small = _Recent(limits.kept_small_bytes, MOST_SMALL)
        self._large = _Recent(limits.kept_bytes, MOST_FILES)

    def get(self, question: Hashable) -> Answer | None:
        """The answer to this question, if it is kept."""
        return self._small.get(question) or self._large.get(question)

    def keep(self, question: Hashable, answer: Answer) -> None:
        """Keep the answer for a while."""
        (self._small if answer.body.is_small else self._large).keep(question, answer)


class _Recent:
    """Answers, of which the least recently used ones are let go above so many bytes, or so many answers."""

    def __init__(self, most_bytes: int, most: int) -> None:
        self._most_bytes, self._most, self._bytes = most_bytes, most, 0
        self._answers: OrderedDict[Hashable, Answer] = OrderedDict()

    def get(self, question: Hashable) -> Answer | None:
        if question in self._answers:
            self._answers.move_to_end(question)
        return self._answers.get(question)

    def keep(self, question: Hashable, answer: Answer) -> None:
        if answer.body.length > self._most_bytes or question in self._answers:
            return
        self._answers[question] = answer
        self._bytes += _cost(answer)
        while self._bytes > self._most_bytes or len(self._answers) > self._most:
            _, oldest = self._answers.popitem(last=False)
            self._bytes -= _cost(oldest)


def _cost(answer: Answer) -> int:
    return answer.body.length + 1_000


def _open_whole(file: Path) -> Body:
    content = file.open("rb")
    digest = b64encode(file_digest(content, "sha256").digest()).decode()
    return Body(content, content.seek(0, 2), f"sha-256=:{digest}:")
