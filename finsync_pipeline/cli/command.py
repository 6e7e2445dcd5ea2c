"""The command line: which commands and options there are, and how an error ends a command.

Each command is the function of its name in the module of its name, which takes the options as arguments, returns the
exit code and raises FinSyncError. Modules are imported when their command runs, since Dagster takes a second.
"""

import argparse
import errno
import os
import signal
import sqlite3
import sys
from datetime import date
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finsync_pipeline.cli.terminal import printable
from finsync_pipeline.errors import ConfigurationError, FinSyncError
from finsync_pipeline.settings import SETTINGS, SETTINGS_FILE, home, load_settings_file

EPILOG = """\
examples:
  finsync run --with-services          everything, from the sample services to the CSV
  finsync run --quarters 2009-Q1...2009-Q4
                                       only these quarters, then the release
  finsync release --allow-missing pnl  publish the stored tables, also without pnl; the manifest records it
  finsync review                       source names whose company a person has to decide
  finsync re-resolve                   the reference list or the review changed: resolve again, and publish
  finsync check                        is the configuration valid? reports file, line and fix
  finsync show                         the current release: what went in, what was rejected and why
  finsync status                       which quarters are current, outdated or missing, and why
  finsync diff                         what the current release and the one before differ in
  finsync release --accept "sold the subsidiaries"
                                       publish although companies or facts are lost
  finsync release --as-of 2015-03-31   what was known on that day, in a folder of its own
  finsync trace AAPL revenue 2009-09-30
                                       where a number comes from, down to the cell as delivered
  finsync prune --keep 20 --dry-run    which releases would be removed
  finsync query "SELECT company_id, revenue FROM income_statement WHERE revenue > 1e11"
                                       ask all sources now; with --release current, what is published
  finsync shell                        the same as a dialogue
  finsync serve --with-services        the API: companies, statements, facts, queries as JSON, CSV, Parquet, Arrow
  finsync explore --with-services      the explorer in the browser: companies, quality, the review queue, SQL
  finsync dev --with-services          the Dagster web UI over the same tables

settings (environment, or lines in the file finsync.env in this folder):
  FINSYNC_<SOURCE>_URL (default: in the defs.yaml of the source)
      Address of the service of a source, such as FINSYNC_PNL_URL.
"""


Option = tuple[str, dict[str, Any]]  # as argparse takes it


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; use a whole number from 1 to 65535")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day; write it as 2015-03-31") from None


def _option(name: str, summary: str, **more: Any) -> Option:
    return name, {"help": summary, **more}


def _flag(name: str, summary: str, **more: Any) -> Option:
    return _option(name, summary, action="store_true", **more)


ALLOWED = "extract nothing from this source, and publish without what it lacks; may be repeated"
ALLOW_MISSING = _option("--allow-missing", ALLOWED, metavar="SOURCE", action="append", default=[])
QUARTERS = _option("--quarters", "2009-Q4, or 2009-Q1...2009-Q4; default: all with rows", metavar="Q[...Q]")
PORT = _option("--port", "port of the web UI, by default 3000", type=_port, default=3000)
FORCE = _flag("--force", "publish also if nothing has changed")
LOST = "publish although companies or facts are lost, for this reason"
ACCEPT = _option("--accept", LOST, metavar="REASON", default="")
FIRST = _option("first", "a release, by default the one before B", metavar="A", nargs="?")
SECOND = _option("second", "another one, by default the current one", metavar="B", nargs="?")
KEEP = _option("--keep", "keep the newest N releases", metavar="N", type=int, required=True)
DRY_RUN = _flag("--dry-run", "only list what would be removed")
AS_OF = _option("--as-of", "what was known on this day, in a folder of its own", metavar="DAY", type=_day)
AS_FILED = _flag("--as-filed", "with --as-of: also values that were suspect when they became known")
SERVICES = _flag("--with-services", "start the source services, unless they already run")
QUERY_OPTIONS = [
    _option("sql", "one SELECT over the standard views; - reads it from standard input", metavar="SQL", nargs="?"),
    _flag("--views", "list the views with their columns, and stop"),
    _option("--release", "over a release instead of the sources: current, its name, or the beginning", metavar="R"),
    _option("--against", "only the rows that differ between the release and this one", metavar="R2"),
    _option("--format", "table (the default), csv, json or parquet", choices=("table", "csv", "json", "parquet")),
    _option("--output", "write to this file; by its ending the format", metavar="FILE", type=Path),
    _flag("--partial", "answer without the sources that do not respond, and name them"),
    _flag("--explain", "how it is answered: what each source is sent, instead of the rows"),
    _option("--view", "without SQL: the view, by default financials", metavar="VIEW"),
    _option("--item", "without SQL: an item as a column; may be repeated", metavar="ITEM", action="append"),
    _option("--company", "without SQL: only this company_id; may be repeated", metavar="ID", action="append"),
    _option("--period", "without SQL: a period end, 2009-12-31, or 2009-01-01...2009-12-31", metavar="DAY[...DAY]"),
    _option(
        "--where", "without SQL: a condition, 'revenue >= 1e9'; may be repeated", metavar="CONDITION", action="append"
    ),
    _option("--top", "without SQL: the N rows with the largest values of the first item", metavar="N", type=int),
]
TRACE_OPTIONS = [
    _option("company", "company_id, or a name, ticker or code of it", metavar="COMPANY"),
    _option("item", "standard item, such as revenue", metavar="ITEM"),
    _option(
        "period",
        "its end: 2009-12-31; or 2009 or 2009-Q4, if that has one alone; without it, the mean of the company summary",
        metavar="PERIOD",
        nargs="?",
    ),
    _option("--months", "only this length: 3, 6, 9 or 12, and 0 for an instant", metavar="N", type=int),
    _option("--currency", "only this currency", metavar="CODE"),
    _option("--release", "of this release: current (the default), its name, or the beginning", metavar="R"),
    _flag("--json", "as JSON, with everything", dest="as_json"),
]
EXAMPLES = {
    "trace": """\
examples:
  finsync trace "Apple Inc" revenue 2009-09-30
                                       every length and currency of that day
  finsync trace AAPL net_income 2009 --months 12
  finsync trace 0000320193 revenue     the mean in company_summary, and the periods that it is made of
  finsync trace AAPL sector            a text: all rows that have it
  finsync trace AAPL revenue 2009-09-30 --release 20261128 --json

It shows the published value or why there is none; the value of each source, whether it is used, and if not, why; the
cell and the row exactly as delivered, with the unit and the sign by which they were read; how the company was decided;
which rows are not used; which versions there were; and the accounting checks that do not hold. All of it is in the
release: neither newer data of a source nor a changed YAML changes the answer.
""",
    "query": """\
examples:
  finsync query --views
  finsync query "SELECT source, period_end, revenue FROM income_statement WHERE company_id = '0000001800'"
  finsync query "SELECT company_id, revenue FROM financials WHERE months = 12" --release current --output largest.csv
  finsync query "SELECT * FROM facts" --release 20261128 --against current --format csv
                                       the facts that two releases do not have in common
  finsync query --view balance_sheet --item total_assets --period 2009-12-31 --top 10
  finsync query --item revenue --where "revenue >= 1e10" --release current --format json
  echo "SELECT count(*) FROM facts" | finsync query - --explain
""",
    "explore": """\
The address that is printed has a token: who opens it may write decisions into the review file. The browser keeps that
right in a cookie until the command ends; the token itself stays in no address, page or log. For servers, put a token
into the file that FINSYNC_EXPLORER_TOKEN_FILE names and start finsync serve: reviewers enter it once at /token.
""",
    "shell": """\
a SELECT ends with ;, and \\d lists the views. Also reads standard input:
  echo "SELECT count(*) FROM facts;" | finsync shell --release current
""",
}
COMMANDS: dict[str, tuple[str, list[Option]]] = {
    "run": (
        "extract, resolve, map, aggregate and publish, in this process",
        [QUARTERS, ALLOW_MISSING, SERVICES, ACCEPT],
    ),
    "release": ("publish the stored tables", [ALLOW_MISSING, FORCE, ACCEPT, AS_OF, AS_FILED]),
    "re-resolve": ("resolve companies again from the stored raw rows, and publish", [ALLOW_MISSING, ACCEPT]),
    "review": (
        "source names whose rows are rejected until a person decides",
        [_flag("--csv", "all of them, in the columns of the review file", dest="as_csv")],
    ),
    "check": ("check sources, companies and settings, without running anything", []),
    "show": ("summary of the current release", []),
    "status": ("which quarters are current, outdated or missing, and why", []),
    "diff": ("what two releases differ in", [FIRST, SECOND, _flag("--csv", "each differing fact", dest="as_csv")]),
    "query": ("one SELECT over all sources, live or over releases", QUERY_OPTIONS),
    "shell": (
        "queries as a dialogue, with completion and history",
        [_option("--release", "begin over this release instead of the sources", metavar="R")],
    ),
    "serve": (
        "the API over releases and sources on http://127.0.0.1:8000",
        [
            _option("--host", "address to listen on, by default 127.0.0.1", default="127.0.0.1"),
            _option("--port", "port of the API, by default 8000", type=_port, default=8000),
            SERVICES,
        ],
    ),
    "explore": (
        "the explorer in the browser, on http://127.0.0.1:8000, with the right to decide",
        [
            _option("--port", "port of the explorer, by default 8000", type=_port, default=8000),
            SERVICES,
            _flag("--no-browser", "only print the address"),
        ],
    ),
    "trace": ("where a number of a release comes from: sources, rows as delivered, decisions, versions", TRACE_OPTIONS),
    "prune": ("remove old releases", [KEEP, DRY_RUN]),
    "verify": ("check the files of all releases against their manifests", []),
    "dev": ("the Dagster web UI on http://127.0.0.1:3000, the explorer on the next port", [SERVICES, PORT]),
    "setup": (f"write .env, {SETTINGS_FILE} and the local Dagster instance, unless they exist", []),
}
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
UNUSABLE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST} | FULL
UNUSABLE_DATABASE = ("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_PERM")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 1 for a run that failed, 2 for an error that FinSync explains."""
    try:
        exit_code = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
        return exit_code
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader of the output, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:
        explained = _explained(error)
        if explained is None:
            raise
        print(f"finsync: {printable(str(explained))}", file=sys.stderr)
        return 2


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["decide"]:
        raise ConfigurationError("this command has a new name", "Use: finsync re-resolve", "finsync decide")
    options = vars(_parser().parse_args(arguments))
    load_settings_file()
    name = options.pop("command").replace("-", "_")
    return int(getattr(import_module(f"finsync_pipeline.cli.{name}"), name)(**options))


def _explained(error: BaseException) -> FinSyncError | None:
    """The error for people that it is, or that one of its causes is; None for a fault of the program."""
    if isinstance(error, FinSyncError):
        return error
    if isinstance(error, OSError):
        return _folder_error(error)
    cause: BaseException | None = error
    while cause is not None:  # Dagster and SQLAlchemy wrap what SQLite says
        if isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorname.startswith(UNUSABLE_DATABASE):
            return _instance_error(str(cause))
        if isinstance(cause, OSError) and cause.errno in FULL:
            return _folder_error(cause)
        cause = cause.__cause__ or cause.__context__
    return None


def _instance_error(what: str) -> ConfigurationError:
    """Dagster's database of runs cannot be read or written."""
    folder = Path(os.environ.get("DAGSTER_HOME", home()))
    fix = "Make room there, or correct the permissions; tables and releases that were there stay as they are"
    return ConfigurationError(f"the database of runs cannot be used ({what})", fix, f"DAGSTER_HOME, {folder}")


def _folder_error(error: OSError) -> ConfigurationError | None:
    """The setting whose folder cannot be read or written, as an error; None if `error` is about another file."""
    if error.errno in FULL and error.filename is None:  # of a file that was open already
        fix = "Make room there, or set FINSYNC_HOME to a folder with more; what was there stays as it is"
        return ConfigurationError(f"{home()} cannot be written ({error.strerror})", fix, "FINSYNC_HOME")
    if error.errno not in UNUSABLE or not isinstance(error.filename, str):
        return None
    file = Path(error.filename).absolute()
    for name, folder in {"FINSYNC_HOME": home(), "DAGSTER_HOME": Path(os.environ.get("DAGSTER_HOME", home()))}.items():
        if file.is_relative_to(folder) or folder.is_relative_to(file):
            fix = f"Make it a folder that you may read and write, or set {name} to one"
            if error.errno in FULL:
                fix = f"Make room there, or set {name} to a folder with more; what was there stays as it is"
            return ConfigurationError(f"{folder} cannot be used ({error.strerror}: {file})", fix, name)
    return None


def _parser() -> argparse.ArgumentParser:
    settings = "".join(
        f"  {each.name} ({each.kind}; default: {each.shown_default})\n      {each.meaning}.\n"
        for each in SETTINGS.values()
    )
    parser = argparse.ArgumentParser(
        prog="finsync",
        description="Financial statements from services that disagree, made into one table that can be trusted.",
        epilog=EPILOG + settings,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"finsync {version('finsync')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    for name, (summary, options) in COMMANDS.items():
        command = commands.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=EXAMPLES.get(name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        for flag, arguments in options:
            command.add_argument(flag, **arguments)
    return parser
