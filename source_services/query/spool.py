"""The spool: a result is written here before it is sent, so that its length and digest are known beforehand."""

import io
import tempfile
import weakref
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import IO, Any

from source_services.errors import RequestError, busy

MEMORY_BYTES, BUFFER_BYTES = 256 << 10, 1 << 20
"""A larger result is on disk, written through a buffer."""


@dataclass(frozen=True)
class Body:
    """The bytes of a result, in memory or in a file without a name, which is removed when nothing refers to it."""

    content: bytes | IO[bytes]
    length: int
    digest: str


class Spool:
    """The disk space of one service for all results that are being sent or cached."""

    def __init__(self, folder: Path, disk_bytes: int, result_bytes: int) -> None:
        self.folder, self.result_bytes = folder, result_bytes
        self._free, self._lock = disk_bytes, Lock()

    def reserve(self, size: int) -> None:
        """Use this number of bytes. Raises RequestError if there is not enough space."""
        with self._lock:
            if size > self._free:
                raise busy("too many large results are being sent", 10)
            self._free -= size

    def release(self, reserved: list[int]) -> None:
        """These bytes are free again."""
        with self._lock:
            self._free += sum(reserved)


class SpooledFile(io.RawIOBase):
    """The file of one result: in memory while it is small, then on disk. Raises RequestError when it is too large.

    `take` is called with the number of bytes before they are written to the disk.
    """

    def __init__(self, spool: Spool, take: Callable[[int], None]) -> None:
        self._spool, self._take, self._reserved = spool, take, [0]
        self._memory = io.BytesIO()
        self._file: io.BufferedWriter | None = None
        self._hash, self._length = sha256(), 0

    def writable(self) -> bool:
        """Always."""
        return True

    def write(self, data: Any) -> int:
        """Append these bytes."""
        view = memoryview(data)
        self._length += view.nbytes
        if self._length > self._spool.result_bytes:
            what = f"the result has more than {self._spool.result_bytes:,} bytes"
            raise RequestError("too-large", what, "select less, or read it page by page")
        self._hash.update(view)
        if self._file is None and self._length > MEMORY_BYTES:
            file: Any = tempfile.TemporaryFile(dir=self._spool.folder, buffering=0)  # noqa: SIM115 - it outlives this
            # Its space is free again when nothing refers to the file any more
            weakref.finalize(file, self._spool.release, self._reserved)
            self._file = io.BufferedWriter(file, BUFFER_BYTES)
            self._append(self._memory.getbuffer())
            self._memory = io.BytesIO()
        self._append(view)
        return view.nbytes

    def _append(self, view: memoryview) -> None:
        if self._file is None:
            self._memory.write(view)
            return
        self._take(view.nbytes)
        self._spool.reserve(view.nbytes)
        self._reserved[0] += view.nbytes
        self._file.write(view)

    def body(self) -> Body:
        """What was written."""
        digest = repr_digest(self._hash.digest())
        # Without the buffer of the file: many such files are cached
        content: Any = self._memory.getvalue() if self._file is None else self._file.detach()
        return Body(content, self._length, digest)


def repr_digest(digest: bytes) -> str:
    """A SHA-256 digest as the header Repr-Digest has it (RFC 9530)."""
    return f"sha-256=:{b64encode(digest).decode()}:"
