"""Names of columns that can be taken for each other: one of them is used, always the same, and the other is told of."""

import json
from pathlib import Path
from typing import Any

import pytest
from damage.chain import mapping_of_source, pass_through
from damage.damages import FILES, sample, written

from finsync_pipeline.errors import SourceInvalid
from source_services.errors import DataFileError

LINE = mapping_of_source("cash_flow").items["net_income"].column


def renamed(record: dict[str, Any], kind: str) -> dict[str, Any]:
    """The same row with one name written otherwise."""
    if kind == "in case":
        return {("Company" if name == "company" else name): cell for name, cell in record.items()}
    lines = {name: cell for name, cell in record["lines"].items() if f"lines.{name}" != LINE}
    return record | {"lines": lines, LINE: 5}


EXPECTED = {
    "in case": "cash_flow: column 'company' of table 'cash_flow' is not delivered; it may now be called 'company_2'",
    "nested or not": f"['{LINE}_2']",
}


def told_of(file: Path) -> str:
    """The columns that nobody reads and the facts, or why the file is refused."""
    try:
        passage = pass_through(file, mapping_of_source("cash_flow"))
    except SourceInvalid as error:
        return str(error).partition(". Correct")[0]
    return f"{passage.inventory.unmapped} {passage.out.facts.to_csv()}"


@pytest.mark.parametrize("kind", EXPECTED)
def test_of_two_similar_names_the_order_of_rows_does_not_decide(tmp_path: Path, kind: str) -> None:
    records = [json.loads(line) for line in written(sample("cash_flow")).splitlines()]
    records[0] = renamed(records[0], kind)
    told = []
    for number, rows in enumerate([records, records[::-1]]):
        file = tmp_path / str(number) / FILES["cash_flow"]
        file.parent.mkdir()
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        told.append(told_of(file))
    assert told[0] == told[1]
    assert told[0].startswith(EXPECTED[kind])


@pytest.mark.parametrize("source", FILES)
def test_a_nul_character_in_a_row_is_reported_with_its_line(tmp_path: Path, source: str) -> None:
    lines = written(sample(source)).splitlines(keepends=True)
    lines[3] = lines[3].replace(b"20", b"2\\u00000" if source == "cash_flow" else b"2\x000", 1)
    file = tmp_path / FILES[source]
    file.write_bytes(b"".join(lines))
    with pytest.raises(DataFileError, match=rf"{FILES[source]}, line 4: .*NUL.*save the file as UTF-8"):
        pass_through(file, mapping_of_source(source))
