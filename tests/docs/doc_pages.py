"""The pages of the documentation, and what tests look for in them."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from factories import PROJECT

_FENCE = re.compile(r"^( *)```.*?^\1```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]+\*\*")
_ITALIC = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")


@dataclass(frozen=True)
class Page:
    """A Markdown file."""

    file: Path

    def __str__(self) -> str:
        """Its path in the project."""
        return str(self.file.relative_to(PROJECT))

    @cached_property
    def text(self) -> str:
        """All of it."""
        return self.file.read_text(encoding="utf-8")

    @cached_property
    def without_blocks(self) -> str:
        """The text without its blocks of code, of which only the line breaks stay."""
        return _FENCE.sub(lambda block: "\n" * block[0].count("\n"), self.text)

    @cached_property
    def prose(self) -> str:
        """The text without code and without the targets of links."""
        return _CODE.sub("", _LINK.sub(r"\1", self.without_blocks))

    @cached_property
    def code(self) -> list[str]:
        """Everything that is set as code: each span, and each line of a block."""
        lines = [line for block in _FENCE.finditer(self.text) for line in block[0].splitlines()[1:-1]]
        return [*_CODE.findall(self.without_blocks), *lines]

    @cached_property
    def links(self) -> list[tuple[str, str]]:
        """Text and target of each link."""
        return _LINK.findall(self.without_blocks)

    @cached_property
    def headings(self) -> list[str]:
        """The text of each heading."""
        return _HEADING.findall(self.without_blocks)

    @cached_property
    def anchors(self) -> set[str]:
        """What a link behind `#` may name, as GitHub makes it of the headings."""
        plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in self.headings)
        return {each.replace(" ", "-") for each in plain}

    @cached_property
    def italics(self) -> list[str]:
        """The texts in italics."""
        return _ITALIC.findall(_BOLD.sub("", self.prose))


DOCS = PROJECT / "docs"
GLOSSARY = Page(DOCS / "glossary.md")
CHANGELOG = Page(PROJECT / "CHANGELOG.md")
PAGES = [
    *(Page(file) for file in sorted(DOCS.glob("*.md"))),
    Page(PROJECT / "README.md"),
    Page(PROJECT / "CONTRIBUTING.md"),
    CHANGELOG,
    Page(PROJECT / "finsync_pipeline" / "reference" / "README.md"),
    Page(PROJECT / "source_services" / "sample_data" / "README.md"),
]
PRESENT_PAGES = [page for page in PAGES if page != CHANGELOG]
"""Those that have no names of earlier versions."""
