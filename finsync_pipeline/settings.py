"""The settings: environment variables, each declared in settings.csv with its kind, default and meaning.

`finsync --help` and docs/settings.md are made from that table. The environment wins everywhere: `load_settings_file`
adds what is not set there from the file finsync.env, for every way of starting FinSync.
"""

from __future__ import annotations

import csv
import os
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from dotenv import dotenv_values, load_dotenv

from finsync_pipeline.errors import ConfigurationError
from finsync_pipeline.statements.dates import quarter_of

if TYPE_CHECKING:
    from finsync_pipeline.clients.bounds import Bounds
    from finsync_pipeline.federation.deployment import Deployment
    from finsync_pipeline.federation.engine import Limits
    from finsync_pipeline.serving.api_settings import ApiSettings

SETTINGS_FILE = "finsync.env"
DAGSTER_FILE = ".env"
SAMPLE_REFERENCE = Path(__file__).parent / "reference"
DEFS = Path(__file__).parent / "defs"
QUARTER_MONTHS = 3


class Setting(NamedTuple):
    """An environment variable; `shown_default` describes what holds where it is not set."""

    name: str
    kind: str
    default: str
    shown_default: str
    meaning: str


with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as _file:
    SETTINGS = {line["name"]: Setting(**line) for line in csv.DictReader(_file)}


def load_settings_file() -> None:
    """Add the settings in finsync.env of the working folder to the environment, where they are not set.

    Raises ConfigurationError if `.env` has settings of FinSync: Dagster's commands put that file over the environment.
    """
    names = [name for name in dotenv_values(DAGSTER_FILE) if name in SETTINGS or re.fullmatch(r"FINSYNC_\w+_URL", name)]
    if names:
        raise ConfigurationError(
            f"it sets {', '.join(names)}, which Dagster's commands would put over the environment",
            f"Move the lines that begin with FINSYNC_ to {SETTINGS_FILE} in the same folder",
            Path(DAGSTER_FILE).absolute(),
        )
    load_dotenv(Path(SETTINGS_FILE).absolute())


def home() -> Path:
    """Folder of the tables and the releases (FINSYNC_HOME), absolute."""
    return Path(_value("FINSYNC_HOME")).absolute()


def tables_folder() -> Path:
    """The folder of the Parquet files between the assets."""
    return home() / "tables"


def published_folder() -> Path:
    """The folder of the releases."""
    return home() / "published"


def query_cache_folder() -> Path:
    """The folder of what sources have responded to queries (FINSYNC_QUERY_CACHE_FOLDER), or query_cache in the home."""
    return Path(_value("FINSYNC_QUERY_CACHE_FOLDER") or home() / "query_cache").absolute()


def identity_review_file() -> Path:
    """The review queue as CSV."""
    return home() / "identity_review.csv"


def reference_path() -> Path:
    """The user's list of companies (FINSYNC_REFERENCE), or the sample that ships."""
    return Path(_value("FINSYNC_REFERENCE") or SAMPLE_REFERENCE).absolute()


def review_path() -> Path | None:
    """The review file (FINSYNC_REVIEW), or review.csv in the folder of the companies; None if neither exists."""
    return _beside_companies("FINSYNC_REVIEW", "review.csv")


def agreement_path() -> Path | None:
    """The rules of agreement (FINSYNC_AGREEMENT), or agreement.yaml in the folder of the companies; None if neither."""
    return _beside_companies("FINSYNC_AGREEMENT", "agreement.yaml")


def first_quarter() -> date:
    """First day of the first quarter (FINSYNC_FIRST_QUARTER).

    Raises ConfigurationError if it is not the first day of a quarter that has begun.
    """
    text, where = _value("FINSYNC_FIRST_QUARTER"), "FINSYNC_FIRST_QUARTER"
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is not a valid date", "Write it like 2005-01-01", where) from None
    if day != quarter_of(day):
        what = f"{text} is not the first day of a quarter"
        raise ConfigurationError(what, f"Use {quarter_of(day)}, the first day of its quarter", where)
    if day > datetime.now(UTC).date():
        raise ConfigurationError(f"{text} is in the future", "Use the first day of a quarter that has begun", where)
    return day


def close_cron() -> str:
    """When the quarter that has ended is brought in (FINSYNC_CLOSE_CRON), in the notation of cron."""
    return _value("FINSYNC_CLOSE_CRON")


def release_cron() -> str:
    """When the release after it is published (FINSYNC_RELEASE_CRON), in the notation of cron."""
    return _value("FINSYNC_RELEASE_CRON")


def is_deployed() -> bool:
    """Whether schedules and sensors start switched on (FINSYNC_DEPLOYED)."""
    return _switch("FINSYNC_DEPLOYED")


def web_hosts() -> frozenset[str]:
    """Names under which the web UI may be called besides those of this machine (FINSYNC_WEB_HOSTS), in small letters.

    Raises ConfigurationError if one is not a name.
    """
    names = frozenset(name.strip().lower() for name in _value("FINSYNC_WEB_HOSTS").split(",") if name.strip())
    for name in names:
        if not re.fullmatch(r"[a-z0-9.-]+", name):
            fix = "Use names without port, with commas, such as dagster.example.org"
            raise ConfigurationError(f"{name!r} is not a host name", fix, "FINSYNC_WEB_HOSTS")
    return names


def are_web_reports_open() -> bool:
    """Whether the web UI takes events of assets from outside of Dagster (FINSYNC_WEB_REPORTS)."""
    return _switch("FINSYNC_WEB_REPORTS")


def has_byte_order_mark() -> bool:
    """Whether each CSV begins with a byte order mark (FINSYNC_CSV_BYTE_ORDER_MARK)."""
    return _switch("FINSYNC_CSV_BYTE_ORDER_MARK")


def loss_of_companies() -> float:
    """Share of the companies that a release may lose (FINSYNC_LOSS_OF_COMPANIES)."""
    return _share("FINSYNC_LOSS_OF_COMPANIES")


def loss_of_facts() -> float:
    """Share of a source's facts that a release may lose (FINSYNC_LOSS_OF_FACTS)."""
    return _share("FINSYNC_LOSS_OF_FACTS")


def source_bounds() -> Bounds:
    """What one answer of a source may take (FINSYNC_SOURCE_...). Raises ConfigurationError for no number above 0."""
    from finsync_pipeline.clients.bounds import Bounds  # not above: --help must not wait for it

    return Bounds(
        seconds=_count("FINSYNC_SOURCE_SECONDS"),
        arrow_bytes=_count("FINSYNC_SOURCE_BYTES"),
        json_bytes=_count("FINSYNC_SOURCE_JSON_BYTES"),
        rows=_count("FINSYNC_SOURCE_ROWS"),
        pages=_count("FINSYNC_SOURCE_PAGES"),
        period_ends=_count("FINSYNC_SOURCE_PERIOD_ENDS"),
    )


def query_limits() -> Limits:
    """What a query may take (FINSYNC_QUERY_...). Raises ConfigurationError for what is not a whole number above 0."""
    from finsync_pipeline.federation.engine import Limits  # not above: --help must not wait for DuckDB

    return Limits(
        seconds=_count("FINSYNC_QUERY_SECONDS", most=10**9),
        rows=_count("FINSYNC_QUERY_ROWS"),
        memory=_count("FINSYNC_QUERY_MEMORY", most=2**50),
        cache=_count("FINSYNC_QUERY_CACHE", least=0),
    )


def query_deployment() -> Deployment:
    """What a query is asked of by default: the declared sources, and the folders and lists that the settings name."""
    from finsync_pipeline.federation.deployment import Deployment  # not above: --help must not wait for pandas
    from finsync_pipeline.statements.source_files import read_sources

    return Deployment(
        mappings=read_sources(DEFS),
        reference=reference_path(),
        review=review_path(),
        agreement=agreement_path(),
        quarters=_quarters(),
        tables=tables_folder(),
        published=published_folder(),
        cache=query_cache_folder(),
        limits=query_limits(),
        bounds=source_bounds(),
    )


def api_settings() -> ApiSettings:
    """Who may ask the API, and how much (FINSYNC_API_...). Raises ConfigurationError."""
    from finsync_pipeline.serving.api_settings import ApiSettings  # not above: --help must not wait for DuckDB

    return ApiSettings(
        token=_token("FINSYNC_API_TOKEN_FILE"),
        write_token=_write_token("FINSYNC_EXPLORER_TOKEN_FILE"),
        hosts=web_hosts(),
        origins=_origins("FINSYNC_API_ORIGINS"),
        requests_per_minute=_count("FINSYNC_API_REQUESTS_PER_MINUTE"),
        requests_at_once=_count("FINSYNC_API_REQUESTS_AT_ONCE"),
        threads=_count("FINSYNC_API_THREADS", most=1000),
        queries=_count("FINSYNC_API_QUERIES"),
        memory=_count("FINSYNC_API_MEMORY", most=2**50),
        dagster=_web_address("FINSYNC_DAGSTER_URL"),
    )


def api_proxies() -> str:
    """The proxies that the API believes the address of the client (FINSYNC_API_PROXIES)."""
    return _value("FINSYNC_API_PROXIES")


def api_log() -> str:
    """The lowest level that the API logs (FINSYNC_API_LOG). Raises ConfigurationError for no level."""
    level = _value("FINSYNC_API_LOG")
    if level not in ("debug", "info", "warning", "error"):
        raise ConfigurationError(
            f"{level!r} is not a log level", "Use debug, info, warning or error", "FINSYNC_API_LOG"
        )
    return level


def _token(setting: str) -> str | None:
    """The token in the file that the setting names, if it names one. Raises ConfigurationError, without the token."""
    if not (file := _value(setting)):
        return None
    try:
        text = Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ConfigurationError(f"{file} cannot be read ({reason})", "Correct its permissions", setting) from None
    if not re.fullmatch(r"[!-~]+", text):
        raise ConfigurationError(f"{file} does not hold one word", "Put the token there, as one word", setting)
    return text


def _write_token(setting: str) -> str | None:
    """The same, of a token that nobody can guess. Raises ConfigurationError."""
    from finsync_pipeline.serving.write_access import LEAST_CHARACTERS  # not above: --help must not wait for FastAPI

    token = _token(setting)
    if token is not None and len(token) < LEAST_CHARACTERS:
        fix = f"Use {LEAST_CHARACTERS} characters or more, such as those of: openssl rand -hex 24"
        raise ConfigurationError("its token is so short that it can be guessed", fix, setting)
    return token


def _origins(setting: str) -> tuple[str, ...]:
    """Raises ConfigurationError for what is not scheme, host and port alone."""
    origins = tuple(each.strip().lower() for each in _value(setting).split(",") if each.strip())
    for origin in origins:
        if not re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d+)?", origin):
            fix = "Write scheme, host and port alone, such as https://app.example.org"
            raise ConfigurationError(f"{origin!r} is not an origin", fix, setting)
    return origins


def _web_address(setting: str) -> str:
    """The address of a web page, without a slash at its end. Raises ConfigurationError for anything else."""
    address = _value(setting).rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", address):
        raise ConfigurationError(f"{address!r} is not the address of a page", "Use http://127.0.0.1:3000", setting)
    return address


def _quarters() -> list[date]:
    """First days of all quarters from the first to the running one."""
    first, last = first_quarter(), quarter_of(datetime.now(UTC).date())
    count = (last.year - first.year) * 4 + (last.month - first.month) // QUARTER_MONTHS
    months = (first.month - 1 + QUARTER_MONTHS * number for number in range(count + 1))
    return [date(first.year + month // 12, month % 12 + 1, 1) for month in months]


def _beside_companies(setting: str, name: str) -> Path | None:
    """The file that the setting names, or the one of this name in the folder of the companies if it exists."""
    if text := _value(setting):
        return Path(text).absolute()
    companies = reference_path()
    file = (companies if companies.is_dir() else companies.parent) / name
    return file if file.exists() else None


def _switch(name: str) -> bool:
    """Raises ConfigurationError if the setting is neither 0 nor 1."""
    text = _value(name)
    if text not in ("0", "1"):
        raise ConfigurationError(f"{text!r} is neither 0 nor 1", "Use 1 to switch it on, or 0", name)
    return text == "1"


def _count(name: str, least: int = 1, most: int = 2**62) -> int:
    """Raises ConfigurationError if the setting is not a whole number from `least` to `most`."""
    text = _value(name)
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        what = f"{text!r} is not a whole number from {least} to {most}"
        raise ConfigurationError(what, f"Use one such as {SETTINGS[name].default}", name)
    return int(text)


def _share(name: str) -> float:
    """Raises ConfigurationError if the setting is not a number from 0 to 1."""
    text = _value(name)
    try:
        share = float(text)
    except ValueError:
        share = -1
    if not 0 <= share <= 1:
        raise ConfigurationError(f"{text!r} is not a share", "Use a number from 0 to 1, such as 0.05", name)
    return share


def _value(name: str) -> str:
    return os.environ.get(name) or SETTINGS[name].default
