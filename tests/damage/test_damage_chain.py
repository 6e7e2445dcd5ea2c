"""A damaged data file is refused in words that help, or every row and number of it is used or kept with a reason."""

import re
import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from damage.chain import Passage, mapping_of_source, pass_through, rows_of
from damage.damages import DATES, FILES, NUMBERS, WORDS, every_word, sample, spoiled_bytes, tables, written
from damage.second_reading import read_outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from finsync_pipeline.errors import SourceInvalid
from source_services.errors import DataFileError

SOURCES = list(FILES)
EXAMPLES = settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))


def passed(source: str, content: bytes, folder: Path) -> Passage | None:
    """The passage of a file of this content; None where it is refused whole, in words that help."""
    file = folder / FILES[source]
    file.write_bytes(content)
    try:
        return pass_through(file, mapping_of_source(source))
    except (DataFileError, SourceInvalid) as error:
        assert_helps(error, source, file)
    return None


def assert_helps(error: Exception, source: str, file: Path) -> None:
    """The words name the file or the column, and the cure."""
    told = str(error)
    if isinstance(error, DataFileError):
        assert told.startswith(str(file))
        assert re.search(r"[;,] (add|check|fix|name|quote|rename|save|write)", told), told
    else:
        assert told.startswith(f"{source}: column ")
        assert "Correct the mapping" in told


def assert_every_row_and_cell_is_where_the_file_says(source: str, file: Path, passage: Passage) -> None:
    wanted, out = read_outcome(source, file, passage), passage.out
    facts = {
        tuple(fact[name] for name in ("company_id", "item", "period_end", "months", "currency")): fact
        for fact in rows_of(out.facts)
    }
    assert len(facts) == len(out.facts)
    assert {place: (fact["row_key"], fact["value"]) for place, fact in facts.items()} == wanted.facts
    rejects = rows_of(out.rejects)
    cells = [line for line in rejects if line["item"] is not None]
    assert Counter((line["row_key"], line["item"], line["reason"], line["raw_text"]) for line in cells) == wanted.cells
    assert Counter((line["reason"], line["raw_text"]) for line in rejects if line["item"] is None) == wanted.rows
    unassigned = rows_of(passage.inventory.unassigned)
    assert Counter((line["reason"], line["raw_text"]) for line in unassigned) == wanted.unassigned


def assert_the_books_balance(source: str, file: Path, passage: Passage) -> None:
    wanted, ledger = read_outcome(source, file, passage), passage.ledger.sum(numeric_only=True)
    unassigned = passage.inventory.unassigned
    assert passage.imbalances == []
    assert passage.inventory.row_count == wanted.rows_in
    assert len(passage.raw) + len(unassigned) == wanted.rows_in
    assert ledger["rows_in"] == len(passage.raw)
    assert unassigned["cells"].sum() == wanted.filled_unassigned
    used_or_kept = ledger["cells_used"] + ledger["cells_rejected"] + ledger["cells_superseded"]
    assert used_or_kept == wanted.filled - wanted.filled_unassigned
    assert ledger["cells_used"] == len(passage.out.facts)
    assert ledger["cells_empty"] + used_or_kept == len(passage.raw) * len(mapping_of_source(source).items)


def assert_nothing_refused_is_used(source: str, passage: Passage) -> None:
    used = {(fact["row_key"], fact["item"], fact["data_version"]) for fact in rows_of(passage.out.facts)}
    versions = {line["quarter"]: line["data_version"] for line in rows_of(passage.ledger)}
    items = mapping_of_source(source).items
    for line in rows_of(passage.out.rejects):
        refused = [line["item"]] if line["item"] else items if line["reason"] != "repeated_row" else []
        assert not used & {(line["row_key"], item, versions[line["quarter"]]) for item in refused}


def check(source: str, file: Path, passage: Passage | None) -> None:
    if passage is not None:
        assert_the_books_balance(source, file, passage)
        assert_every_row_and_cell_is_where_the_file_says(source, file, passage)
        assert_nothing_refused_is_used(source, passage)


@pytest.mark.parametrize("source", SOURCES)
@EXAMPLES
@given(data=st.data())
def test_nothing_of_a_damaged_file_is_lost_or_guessed(source: str, data: Any) -> None:
    table = data.draw(tables(source))
    with tempfile.TemporaryDirectory() as folder:
        check(source, Path(folder) / FILES[source], passed(source, written(table), Path(folder)))


@pytest.mark.parametrize("source", SOURCES)
@EXAMPLES
@given(data=st.data())
def test_a_file_cut_off_or_in_another_encoding_is_refused_or_read_as_it_is(source: str, data: Any) -> None:
    content = data.draw(spoiled_bytes(written(sample(source))))
    with tempfile.TemporaryDirectory() as folder:
        check(source, Path(folder) / FILES[source], passed(source, content, Path(folder)))


@pytest.mark.parametrize("source", SOURCES)
def test_every_notation_of_numbers_and_dates_is_read_as_declared_or_refused(source: str, tmp_path: Path) -> None:
    mapping = mapping_of_source(source)
    item = next(iter(mapping.item_of_column))
    for name, words in ((item, [*WORDS, *NUMBERS]), (mapping.period_end.column, DATES)):
        file = tmp_path / FILES[source]
        passage = passed(source, written(every_word(source, name, words)), tmp_path)
        assert passage is not None
        assert passage.inventory.row_count == len(words)
        check(source, file, passage)


@pytest.mark.parametrize("cells", [-1, 2])
def test_a_row_with_fewer_or_more_cells_is_reported_with_its_line(tmp_path: Path, cells: int) -> None:
    usual = sample("pnl").rows
    spoiled = usual[5][:cells] if cells < 0 else [*usual[5], *["5"] * cells]
    table = replace(sample("pnl"), rows=[*usual[:5], spoiled, *usual[6:]])
    file = tmp_path / FILES["pnl"]
    file.write_bytes(written(table))
    wanted = len(table.columns)
    with pytest.raises(DataFileError, match=rf"line 7: has {wanted + cells} cells where {wanted} are expected; quote"):
        pass_through(file, mapping_of_source("pnl"))
