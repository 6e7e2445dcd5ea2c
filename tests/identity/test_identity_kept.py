"""What is prepared of a list is kept, read again as it was, and made anew where it cannot be read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from identity_frames import spellings_frame, write_csv

from finsync_pipeline.identity import read_reference, reference, resolve

COMPANIES = [
    {"company_id": "H-10023", "name": "Corvale Instruments Inc", "lei": "5493001KJTIIGC8Y1R12", "cik": "1234567"},
    {"company_id": "H-20471", "name": "Brightwater Pumps Corp", "lei": "213800WAVVOPS85N2205", "tickers": "BWP"},
    {"company_id": "H-31902", "name": "Northwestern Steelmark Group Inc", "isin": "US0378331005", "cusip": "037833100"},
]
ASKED = [
    ("h 10023", "2009-12-31", None),
    ("5493001KJTIIGC8YlR12", "2009-12-31", None),
    ("Brigthwater Pumps", "2009-12-31", '{"ticker": "BWP"}'),
    ("us 0378331005", "2009-12-31", None),
    ("Northwestern Steelmark", "2009-12-31", '{"cusip": "37833100"}'),
    ("Corvale Instruments plc", "2009-12-31", '{"cik": "0001234567"}'),
    ("Nobody Knows Ltd", "2009-12-31", None),
]


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "reference").mkdir()
    write_csv(tmp_path / "reference" / "companies.csv", COMPANIES)
    write_csv(
        tmp_path / "reference" / "aliases.csv",
        [{"company_id": "H-20471", "alias": "Old Pumps", "valid_to": "2010-01-01"}],
    )
    reference._prepared.clear()
    yield tmp_path
    reference._prepared.clear()


def decide_anew(listed: Path) -> pd.DataFrame:
    """Decide as a process does that has not prepared anything yet."""
    reference._prepared.clear()
    return resolve(spellings_frame(ASKED), read_reference(listed / "reference", listed / "kept"))


def test_what_is_kept_decides_as_what_was_prepared(listed: Path) -> None:
    prepared = resolve(spellings_frame(ASKED), read_reference(listed / "reference"))
    assert (prepared["status"] == "accepted").sum() == 6
    first, again = decide_anew(listed), decide_anew(listed)
    pd.testing.assert_frame_equal(prepared, first)
    pd.testing.assert_frame_equal(first, again)


def test_it_is_prepared_once(listed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = decide_anew(listed)
    parts = sorted(path.name for path in next((listed / "kept").iterdir()).iterdir())
    assert parts == ["cik", "company_id", "cusip", "isin", "lei", "names"]

    def built(*_: object) -> None:
        raise AssertionError("it was built again")

    for part in ("Names", "CodeIndex"):
        monkeypatch.setattr(f"finsync_pipeline.identity.listed.{part}.of", built)
    pd.testing.assert_frame_equal(before, decide_anew(listed))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file.write_bytes(b"nothing"),
        lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
        lambda file: file.unlink(),
    ],
)
def test_what_cannot_be_read_is_made_anew(listed: Path, spoil: object) -> None:
    before = decide_anew(listed)
    place = next((listed / "kept").iterdir())
    for of_names, of_codes in (("known.json", "index.json"), ("keys.npz", "forms.arrow"), ("words.arrow", "rows.npy")):
        spoil(place / "names" / of_names)  # type: ignore[operator]
        spoil(place / "lei" / of_codes)  # type: ignore[operator]
        pd.testing.assert_frame_equal(before, decide_anew(listed))
    shutil.rmtree(place / "names")
    pd.testing.assert_frame_equal(before, decide_anew(listed))


def test_a_folder_that_cannot_be_written_is_no_fault(listed: Path) -> None:
    (listed / "kept").write_text("a file where the folder should be")
    assert (decide_anew(listed)["status"] == "accepted").sum() == 6


def test_only_the_last_versions_of_a_list_are_kept(listed: Path) -> None:
    for number in range(5):
        write_csv(listed / "reference" / "companies.csv", [*COMPANIES, {"company_id": f"new-{number}"}])
        decide_anew(listed)
    assert len(list((listed / "kept").iterdir())) == 3
