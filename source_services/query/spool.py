"""Where an answer is written before it is sent: its length and digest are known, and nothing is sent in halves."""

import io
import tempfile
import weakref
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import IO, Any

from source_services.errors import Problem

MEMORY_BYTES, BUFFER_BYTES = 256 << 10, 1 << 20


@dataclass(frozen=True)
class Body:
    """The bytes of an answer, in memory or in a file that has no name and goes when nobody uses it any more."""

    content: bytes | IO[bytes]
    length: int
    digest: str

    @property
    def is_small(self) -> bool:
        """Whether the bytes are in memory."""
        return isinstance(self.content, bytes)


class Spool:
    """The room on disk for all answers that wait to be sent, or are kept."""

    def __init__(self, folder: Path, most: int) -> None:
        self.folder, self._free, self._lock = folder, most, Lock()

    def take(self, size: int) -> None:
        """Use so many bytes. Raises Problem if there is no more room."""
        with self._lock:
            if size > self._free:
                raise Problem("busy", "too many large answers wait to be fetched: ask later", {"Retry-After": "10"})
            self._free -= size

    def give_back(self, taken: list[int]) -> None:
        """So many bytes are free again."""
        with self._lock:
            self._free += sum(taken)


class Sink(io.RawIOBase):
    """A file to write an answer into: in memory while it is small, then on disk. Raises Problem above `most` bytes."""

    def __init__(self, spool: Spool, most: int) -> None:
        self._spool, self._most, self._taken = spool, most, [0]
        self._memory: io.BytesIO | None = io.BytesIO()
        self._file: io.BufferedWriter | None = None
        self._hash, self._length = sha256(), 0

    def writable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """How many bytes were written."""
        return self._length

    def write(self, data: Any) -> int:
        """Add these bytes."""
        view = memoryview(data)
        self._length += view.nbytes
        if self._length > self._most:
            raise Problem("too-large", f"the result has more than {self._most:,} bytes: ask for less, or page by page")
        self._hash.update(view)
        if self._memory is not None and self._length > MEMORY_BYTES:
            file: Any = tempfile.TemporaryFile(dir=self._spool.folder, buffering=0)  # noqa: SIM115 - it outlives this
            # Its room is free again when nobody uses the file any more
            weakref.finalize(file, self._spool.give_back, self._taken)
            self._file = io.BufferedWriter(file, BUFFER_BYTES)
            self._put(self._memory.getbuffer())
            self._memory = None
        self._put(view)
        return view.nbytes

    def _put(self, view: memoryview) -> None:
        if self._file is None:
            assert self._memory is not None
            self._memory.write(view)
            return
        self._spool.take(view.nbytes)
        self._taken[0] += view.nbytes
        self._file.write(view)

    def body(self) -> Body:
        """What was written."""
        digest = f"sha-256=:{b64encode(self._hash.digest()).decode()}:"
        if self._memory is not None:
            return Body(self._memory.getvalue(), self._length, digest)
        assert self._file is not None
        file: Any = self._file.detach()  # without its buffer: many such files are kept
        return Body(file, self._length, digest)
