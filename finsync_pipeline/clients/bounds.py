"""What one answer of a service may take: time, bytes, rows, pages. Nothing that a service sends can make it more.

The numbers of a deployment are settings; `settings.source_bounds` makes this of them, and errors name the setting.
"""

from dataclasses import dataclass

ARROW = "application/vnd.apache.arrow.stream"
MOST_COLUMNS = 32_767
"""As many as SQLite can have in one result."""


@dataclass(frozen=True)
class Bounds:
    """The bounds of one answer.

    `seconds` pass at most from the first request to the last byte, with all attempts and all pages. `arrow_bytes` are
    those of an answer in Arrow, as it comes and as its cells take up in memory, and of all pages of a table together;
    `json_bytes` those of one answer in JSON, which takes up to 50 times as much while it is read.
    """

    seconds: float = 600
    arrow_bytes: int = 2**30
    json_bytes: int = 2**24
    rows: int = 10_000_000
    pages: int = 10_000
    period_ends: int = 100_000

    def of_body(self, media_type: str) -> tuple[int, str]:
        """The bytes of a body of this type, and the setting of it."""
        if media_type == ARROW:
            return self.arrow_bytes, "FINSYNC_SOURCE_BYTES"
        return self.json_bytes, "FINSYNC_SOURCE_JSON_BYTES"
