"""docs/rejects.md says what the table of reasons says."""

from pathlib import Path

from finsync_pipeline.statements.reasons import as_markdown

PAGE = Path(__file__).resolve().parents[2] / "docs/rejects.md"


def test_the_page_of_reasons_is_made_from_their_table():
    assert PAGE.read_text(encoding="utf-8") == as_markdown()
