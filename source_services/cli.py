"""The command line: `python -m source_services`."""

import argparse
import ipaddress
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from source_services.data.columns import DataFileError
from source_services.data.data_files import find_data_file, find_data_files, looked_for, service_name
from source_services.served_table import ServedTable
from source_services.server import LOOK_SECONDS, Manner, PortError, serve
from source_services.services import SERVICES, Service
from source_services.settings import Limits, SettingMistake, variable
from source_services.web.telemetry import log_to_stderr

BASE_PORT = 5001
SAMPLE_DATA = Path(__file__).parent / "sample_data"

_NAMING = "name one <service>.csv, .jsonl (with .gz where it is gzipped) or .sqlite"

_EXAMPLES = """\
examples:
  python -m source_services
      serve the sample data: pnl on port 5001, balance_sheet on 5002, cash_flow on 5003
  python -m source_services --data statements/
      serve your own: pnl.csv, balance_sheet.csv.gz, cash_flow.jsonl, ...; any further data file of the
      folder, such as tax.csv, becomes a service of that name on port 5004, the next on 5005
  python -m source_services pnl --data delivery-2024.csv --port 8000
      serve one service from one file, whatever its name
  python -m source_services tax --data tax.jsonl.gz --port 5004 --period-column "Year End" --index Company
      serve a fourth one, let /version count its rows by period, and find those of a company fast
  FINSYNC_SERVICES_TOKEN_FILE=secrets/services_token python -m source_services --host 0.0.0.0
      serve other machines too: then callers must send the token that the file holds

  open http://127.0.0.1:5001 in a browser: the page shows the table, examples and limits
  curl 'http://127.0.0.1:5001/data?limit=5'
  curl -G http://127.0.0.1:5001/query --data-urlencode 'q=SELECT count(*) FROM pnl'

A data file is CSV (.csv) or JSON lines (.jsonl), plain or gzipped (.gz), in UTF-8; or SQLite (.sqlite), of which a copy
of the table is served. Publish a newer one by renaming it over the old one: it is served within seconds.

settings (environment):
  FINSYNC_SERVICES_DATA, FINSYNC_SERVICES_HOST, FINSYNC_SERVICES_DATABASES, FINSYNC_SERVICES_LOG
      stand for --data, --host, --databases and --log; an option given here wins
  FINSYNC_SERVICES_TOKEN_FILE, or FINSYNC_SERVICES_TOKEN
      a file that holds the token that callers must send, or the token itself
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code, 2 where the services cannot start."""
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
            serve(tables, options.host, Manner(limits, folder, token, options.look_seconds))
    except (DataFileError, PortError, SettingMistake) as error:
        print(f"source_services: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


def _token(host: str) -> str | None:
    """The token that callers must send. Raises SettingMistake if there is none where other machines can ask."""
    file, token = os.environ.get(variable("token_file")), os.environ.get(variable("token"))
    if file:
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            raise SettingMistake(
                f"{variable('token_file')}: {file} cannot be read ({error}); put the token there, or name its file"
            ) from None
        if not token:
            raise SettingMistake(f"{variable('token_file')}: {file} is empty; write a token into it")
    if not token and not _is_loopback(host):
        raise SettingMistake(
            f"on {host} other machines can ask, so callers need a token: put one into a file "
            f"(openssl rand -hex 24) and name it in {variable('token_file')}, or listen on 127.0.0.1"
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
    if options.port is not None:
        service = replace(service, port=options.port)
    if options.period_column is not None:
        service = replace(service, period_column=options.period_column)
    service = replace(service, indexes=tuple(map(tuple, options.index)))
    if not options.data.is_file():
        return [(service, find_data_file(options.data, service.name))]
    if service_name(options.data) is None:
        raise DataFileError(f"{options.data}: is neither CSV, JSON lines nor SQLite; {_NAMING}")
    return [(service, options.data)]


def _all(options: argparse.Namespace) -> list[tuple[Service, Path]]:
    if options.data.is_file():
        raise DataFileError(
            f"{options.data}: is one file; say which service it is for: "
            f"python -m source_services NAME --data {options.data}"
        )
    data_files = find_data_files(options.data)
    if not data_files:
        raise DataFileError(f"{options.data}: holds no data file to serve; {_NAMING}")
    declared = [service.name for service in SERVICES]
    period_columns = {service.name: service.period_column for service in SERVICES}
    base_port = BASE_PORT if options.base_port is None else options.base_port
    to_serve = []
    for number, name in enumerate([*declared, *(name for name in data_files if name not in declared)]):
        if name in data_files:
            port = base_port + number if base_port else 0
            to_serve.append((Service(name, port, period_columns.get(name)), data_files[name]))
        else:
            print(f"{name:<14} not served: in {options.data} {looked_for(name)}", flush=True)
    return to_serve


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m source_services",
        description="Serve tables of financial statements as read-only SQL over HTTP.",
        epilog=_EXAMPLES
        + "".join(
            f"  {variable(name)} (default: {value})\n      {sentence}\n" for name, value, sentence in Limits().told()
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "service", nargs="?", metavar="SERVICE", help="serve this one alone (default: all that have data)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("FINSYNC_SERVICES_DATA") or SAMPLE_DATA),
        metavar="PATH",
        help="folder of the data files, or for one service the file itself (default: the sample data)",
    )
    parser.add_argument(
        "--host",
        default=os.environ.get("FINSYNC_SERVICES_HOST") or "127.0.0.1",
        help="address to listen on (default: 127.0.0.1, this machine only)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help="port of the one service (default: its own, 5004 for an undeclared one; 0: any free port)",
    )
    parser.add_argument(
        "--base-port",
        type=_port,
        metavar="N",
        help="port of the first of all services, the others follow (default: 5001; 0: any free ports)",
    )
    parser.add_argument("--period-column", metavar="NAME", help="column of the one service that holds the period end")
    parser.add_argument(
        "--index",
        nargs="+",
        action="append",
        default=[],
        metavar="NAME",
        help="columns of the one service by which rows are looked up, together; may be repeated",
    )
    databases = os.environ.get("FINSYNC_SERVICES_DATABASES")
    parser.add_argument(
        "--databases",
        type=Path,
        default=Path(databases) if databases else None,
        metavar="DIR",
        help="folder to keep the SQLite and Arrow files in (default: a temporary one, removed at the end)",
    )
    parser.add_argument(
        "--look-seconds",
        type=float,
        default=LOOK_SECONDS,
        metavar="S",
        help="how often to look for a newer data file (default: 1)",
    )
    parser.add_argument(
        "--log",
        choices=["debug", "info", "warning", "error"],
        default=os.environ.get("FINSYNC_SERVICES_LOG") or "warning",
        help="what to log, as lines of JSON on standard error; info has a line for each request (default: warning)",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a whole number from 0 to 65535")
    return int(text)
