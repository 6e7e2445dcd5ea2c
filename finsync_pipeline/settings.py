"""The settings: environment variables with a default and a sentence each, read when the code location loads."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

from finsync_pipeline.statements.dates import quarter_of

SETTINGS = {
    "FINSYNC_HOME": "Folder of everything that FinSync writes: tables/ and published/. Default: finsync_data here.",
    "FINSYNC_FIRST_QUARTER": "First day of the first quarter, as 2005-01-01; earlier periods are refused.",
    "FINSYNC_REFERENCE": "Your companies: a folder with companies.csv and aliases.csv, or one CSV. Default: a sample.",
    "FINSYNC_REVIEW": "What people decided about source names, a CSV. Default: review.csv beside your companies.",
    "FINSYNC_SERVICES_TOKEN_FILE": "File with the token that the services ask for. Default: none.",
    "FINSYNC_DEPLOYED": "1 where schedules and sensors start switched on. Default: off, switch them on in the UI.",
    "FINSYNC_CLOSE_CRON": "When quarter_close runs (UTC). Default: 0 6 20 1,4,7,10 *, the 20th after a quarter's end.",
    "FINSYNC_RELEASE_CRON": "When release_after_close runs (UTC). Default: two hours later, 0 8 20 1,4,7,10 *.",
}
SAMPLE_REFERENCE = Path(__file__).parent / "reference"


class SettingMistake(ValueError):
    """A setting that cannot be used; the message names it and the cure."""


def home() -> Path:
    """Folder of the tables and the releases (FINSYNC_HOME), absolute."""
    return Path(os.environ.get("FINSYNC_HOME") or "finsync_data").absolute()


def tables_folder() -> Path:
    """Where the Parquet files between the assets lie."""
    return home() / "tables"


def published_folder() -> Path:
    """Where the releases lie."""
    return home() / "published"


def reference_path() -> Path:
    """The user's list of companies (FINSYNC_REFERENCE), or the sample that ships."""
    return Path(os.environ.get("FINSYNC_REFERENCE") or SAMPLE_REFERENCE).absolute()


def review_path() -> Path | None:
    """The review file (FINSYNC_REVIEW), or review.csv beside the list of companies; null if there is neither."""
    if told := os.environ.get("FINSYNC_REVIEW"):
        return Path(told).absolute()
    companies = reference_path()
    beside = (companies if companies.is_dir() else companies.parent) / "review.csv"
    return beside if beside.exists() else None


def identity_review_file() -> Path:
    """Where the source names lie that a person should decide on, as CSV."""
    return home() / "identity_review.csv"


def first_quarter() -> date:
    """First day of the first quarter (FINSYNC_FIRST_QUARTER).

    Raises SettingMistake if it is no first day of a quarter.
    """
    text = os.environ.get("FINSYNC_FIRST_QUARTER") or "2005-01-01"
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise SettingMistake(f"FINSYNC_FIRST_QUARTER: {text!r} is no date; write it like 2005-01-01") from None
    if day != quarter_of(day):
        raise SettingMistake(
            f"FINSYNC_FIRST_QUARTER: {text} is no first day of a quarter; use {quarter_of(day)} for its quarter"
        )
    if day > datetime.now(UTC).date():
        raise SettingMistake(f"FINSYNC_FIRST_QUARTER: {text} has not begun; use a quarter of the past")
    return day


def close_cron() -> str:
    """When the quarter that has ended is brought in (FINSYNC_CLOSE_CRON), as cron writes it."""
    return os.environ.get("FINSYNC_CLOSE_CRON") or "0 6 20 1,4,7,10 *"


def release_cron() -> str:
    """When the release after it is published (FINSYNC_RELEASE_CRON), as cron writes it."""
    return os.environ.get("FINSYNC_RELEASE_CRON") or "0 8 20 1,4,7,10 *"


def is_deployed() -> bool:
    """Whether schedules and sensors start switched on (FINSYNC_DEPLOYED).

    Raises SettingMistake if it is neither 0 nor 1.
    """
    text = os.environ.get("FINSYNC_DEPLOYED") or "0"
    if text not in ("0", "1"):
        raise SettingMistake(f"FINSYNC_DEPLOYED: {text!r} is neither 0 nor 1; use 1 to switch schedules and sensors on")
    return text == "1"
