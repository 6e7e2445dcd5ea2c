"""The command line: `python -m source_services`."""

import argparse
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from source_services.data_files import (
    DataFileError,
    find_data_file,
    find_data_files,
    looked_for,
    service_name,
)
from source_services.loading import load
from source_services.services import SERVICES, Service
from source_services.serving import PortError, serve, stop_on_signals

BASE_PORT = 5001
SAMPLE_DATA = Path(__file__).parent / "sample_data"

_NAMING = "name one <service>.csv or <service>.jsonl, with .gz where it is gzipped"

_EXAMPLES = """\
examples:
  python -m source_services
      serve the sample data: pnl on port 5001, balance_sheet on 5002, cash_flow on 5003
  python -m source_services --data statements/
      serve your own: pnl.csv, balance_sheet.csv.gz, cash_flow.jsonl, ...; any further data file of the
      folder, such as tax.csv, becomes a service of that name on port 5004, the next on 5005
  python -m source_services pnl --data delivery-2024.csv --port 8000
      serve one service from one file, whatever its name
  python -m source_services tax --data tax.jsonl.gz --port 5004 --period-column "Year End"
      serve a fourth one, and let /version count its rows by period

  curl 'http://127.0.0.1:5001/data?limit=5'
  curl -G http://127.0.0.1:5001/query --data-urlencode 'q=SELECT count(*) FROM pnl'

A data file is CSV (.csv) or JSON lines (.jsonl), plain or gzipped (.gz), in UTF-8.
Settings: FINSYNC_SERVICES_DATA, FINSYNC_SERVICES_HOST and FINSYNC_SERVICES_DATABASES stand for --data, --host
and --databases; an option given here wins.
"""


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; returns the exit code, 2 where the services cannot start."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.service is None and (options.port is not None or options.period_column is not None):
        parser.error("--port and --period-column are for one service: name it, or use --base-port for all")
    if options.service is not None and options.base_port is not None:
        parser.error("--base-port is for all services: use --port for one")

    stop_on_signals()
    try:
        with ExitStack() as stack:
            to_serve = _one(options) if options.service is not None else _all(options)
            folder = options.databases or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="finsync-services-"))
            )
            serve([load(service, data_file, folder) for service, data_file in to_serve], options.host)
    except (DataFileError, PortError) as error:
        print(f"source_services: {error}", file=sys.stderr)
        return 2
    return 0


def _one(options: argparse.Namespace) -> list[tuple[Service, Path]]:
    declared = {service.name: service for service in SERVICES}
    service = declared.get(options.service, Service(options.service, BASE_PORT + len(SERVICES)))
    if options.port is not None:
        service = replace(service, port=options.port)
    if options.period_column is not None:
        service = replace(service, period_column=options.period_column)
    if not options.data.is_file():
        return [(service, find_data_file(options.data, service.name))]
    if service_name(options.data) is None:
        raise DataFileError(f"{options.data}: is neither CSV nor JSON lines; {_NAMING}")
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
        epilog=_EXAMPLES,
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
    databases = os.environ.get("FINSYNC_SERVICES_DATABASES")
    parser.add_argument(
        "--databases",
        type=Path,
        default=Path(databases) if databases else None,
        metavar="DIR",
        help="folder to keep the SQLite files in (default: a temporary one, removed at the end)",
    )
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a whole number from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
