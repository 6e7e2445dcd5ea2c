"""Output to the terminal: texts from sources and lists appear as they are, without markup and control characters."""

import sys
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text


def printable(text: str) -> str:
    r"""The text with control and other invisible characters as escapes such as `\x1b`."""
    return "".join(
        each if each.isprintable() or each in "\n\t" else each.encode("unicode_escape").decode() for each in text
    )


class _Terminal(Console):
    """A console whose strings, also those in tables, go through `printable`; markup in them is plain text."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(printable(text), **options)

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # Rich would exit with 1


console = _Terminal(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else 110)


def table(title: str, *columns: str, text_columns: int | None = None) -> Table:
    """An empty table. The columns after the first `text_columns` (None: all are text) are aligned right."""
    made = Table(*columns, title=title, box=SIMPLE_HEAD)
    for column in made.columns[len(columns) if text_columns is None else text_columns :]:
        column.justify = "right"
    return made


def write_text(text: str) -> None:
    """Write the text to standard output: as it is into a file, without control characters to a terminal."""
    sys.stdout.write(printable(text) if sys.stdout.isatty() else text)


def marked(mark: str, color: str, text: str) -> Text:
    """A line that begins with the mark in its color."""
    return Text.assemble((mark, color), " ", printable(text))
