"""The command line `python -m source_services`: options and settings in, running services out."""

import argparse
import ipaddress
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from source_services.data.data_files import candidates, find_data_file, find_data_files, service_name
from source_services.errors import DataFileError, ServicesError, SettingError
from source_services.served_table import ServedTable
from source_services.server import LOOK_SECONDS, serve
from source_services.settings import BASE_PORT, SERVICES, STARTUP_SETTINGS, Limits, Service, describe, variable
from source_services.web.telemetry import log_to_stderr

SAMPLE_DATA = Path(__file__).parent / "sample_data"

_FILE_NAMES = "name one <service>.csv, .jsonl (with .gz if it is gzipped) or .sqlite"

_EXAMPLES = """\
examples:
  python -m source_services
      serve the sample data: pnl on port 5001, balance_sheet on 5002, cash_flow on 5003
  python -m source_services --data statements/
      serve your own: pnl.csv, balance_sheet.csv.gz, cash_flow.jsonl, ...; any further data file of the
      folder, such as tax.csv, becomes a service of that name on port 5004, the next one on 5005
  python -m source_services pnl --data delivery-2024.csv --port 8000
      serve one service from one file, whatever its name
  python -m source_services tax --data tax.jsonl.gz --port 5004 --period-column "Year End" --index Company
      serve a fourth one with the periods in /version, and an index over companies
  FINSYNC_SERVICES_TOKEN_FILE=secrets/services_token python -m source_services --host 0.0.0.0
      serve other machines too: callers must send the token in that file

  open http://127.0.0.1:5001 in a browser: the page shows the table, examples and limits
  curl 'http://127.0.0.1:5001/data?limit=5'
  curl -G http://127.0.0.1:5001/query --data-urlencode 'q=SELECT count(*) FROM pnl'

A data file is CSV (.csv) or JSON lines (.jsonl), plain or gzipped (.gz), in UTF-8; or SQLite (.sqlite), of which the
service copies the table. Publish a newer one by renaming it over the old one: it is served within seconds.

settings (environment variables; an option wins):
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal stops the process; returns the exit code, 2 if the services cannot start."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.service is None and (options.port is not None or options.period_column is not None or options.index):
        parser.error("--port, --period-column and --index are for one service: name it; --base-port is for all")
    if options.service is not None and options.base_port is not None:
        parser.error("--base-port is for all services: use --port for one")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    log_to_stderr(options.log)
    try:
        limits, token = Limits.from_environment(), _token(options.host)
        with ExitStack() as stack:
            to_serve = _one(options) if options.service is not None else _all(options)
            folder = options.databases or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="finsync-services-"))
            )
            tables = [ServedTable(service, data_file, folder, limits) for service, data_file in to_serve]
            serve(tables, options.host, token, options.look_seconds)
    except ServicesError as error:
        print(f"source_services: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


def _token(host: str) -> str | None:
    """The token that callers must send. Raises SettingError if other machines can connect and there is none."""
    file, token = os.environ.get(variable("token_file")), os.environ.get(variable("token"))
    if file:
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            fix = "put the token there, or name its file"
            raise SettingError(f"{file} cannot be read ({error})", fix, variable("token_file")) from None
        if not token:
            raise SettingError(f"{file} is empty", "write a token into it", variable("token_file"))
    if not token and not _is_loopback(host):
        raise SettingError(
            f"other machines can connect to {host}, so callers need a token",
            "write one into a file (openssl rand -hex 24) and name the file here, or listen on 127.0.0.1",
            variable("token_file"),
        )
    return token or None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _one(options: argparse.Namespace) -> list[tuple[Service, Path]]:
    declared = {service.name: service for service in SERVICES}
    service = declared.get(options.service, Service(options.service, BASE_PORT + len(SERVICES)))
    service = replace(
        service,
        port=service.port if options.port is None else options.port,
        period_column=options.period_column or service.period_column,
        indexes=tuple(map(tuple, options.index)),
    )
    if not options.data.is_file():
        return [(service, find_data_file(options.data, service.name))]
    if service_name(options.data) is None:
        raise DataFileError("is neither CSV, JSON lines nor SQLite", _FILE_NAMES, options.data)
    return [(service, options.data)]


def _all(options: argparse.Namespace) -> list[tuple[Service, Path]]:
    if options.data.is_file():
        fix = f"name its service: python -m source_services NAME --data {options.data}"
        raise DataFileError("is one file", fix, options.data)
    data_files = find_data_files(options.data)
    if not data_files:
        raise DataFileError("contains no data file", _FILE_NAMES, options.data)
    declared = {service.name: service for service in SERVICES}
    base_port = BASE_PORT if options.base_port is None else options.base_port
    to_serve = []
    for number, name in enumerate(dict.fromkeys([*declared, *data_files])):
        if name in data_files:
            service = replace(declared.get(name, Service(name, 0)), port=base_port + number if base_port else 0)
            to_serve.append((service, data_files[name]))
        else:
            print(f"{name:<14} not served: in {options.data} there is none of {candidates(name)}", flush=True)
    return to_serve


def _parser() -> argparse.ArgumentParser:
    variables = (f"  {variable(each.name)} (default: {each.value})\n      {each.sentence}\n" for each in describe())
    parser = argparse.ArgumentParser(
        prog="python -m source_services",
        description="Serve tables of financial statements as read-only SQL over HTTP.",
        epilog=_EXAMPLES + "".join(variables),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    given = {each.name: os.environ.get(variable(each.name)) for each in STARTUP_SETTINGS}
    help_of = {each.name: f"{each.sentence} Default: {each.value}." for each in STARTUP_SETTINGS}
    databases = Path(given["databases"]) if given["databases"] else None
    add = parser.add_argument
    add("service", nargs="?", metavar="SERVICE", help="Serve only this one. Default: all that have a data file.")
    add("--data", type=Path, default=Path(given["data"] or SAMPLE_DATA), metavar="PATH", help=help_of["data"])
    add("--host", default=given["host"] or "127.0.0.1", help=help_of["host"])
    add("--port", type=_port, metavar="N", help="Port of the one service. Default: its own, or 5004. 0: any free port.")
    add(
        "--base-port",
        type=_port,
        metavar="N",
        help="Port of the first service, which the others follow. 0: any free ones.",
    )
    add("--period-column", metavar="NAME", help="Column of the one service that contains the period end.")
    columns = "Columns of the one service to index together, for fast lookups. May be repeated."
    add("--index", nargs="+", action="append", default=[], metavar="NAME", help=columns)
    add("--databases", type=Path, default=databases, metavar="DIR", help=help_of["databases"])
    look = "How often to look for a newer data file. Default: 1."
    add("--look-seconds", type=float, default=LOOK_SECONDS, metavar="S", help=look)
    levels = ["debug", "info", "warning", "error"]
    add("--log", choices=levels, default=given["log"] or "warning", help=help_of["log"])
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a whole number from 0 to 65535")
    return int(text)
