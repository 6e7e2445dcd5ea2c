"""The command line `python -m source_services`: options and settings in, running services out."""

import argparse
import asyncio
import ipaddress
import os
import signal
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from source_services.data.data_files import candidates, find_data_file, find_data_files, service_name
from source_services.data.folders import service_folder, temporary_folder
from source_services.errors import ConfigurationError, DataFileError, ServicesError
from source_services.served_table import ServedTable
from source_services.server import LOOK_SECONDS, serve
from source_services.settings import BASE_PORT, SERVICES, STARTUP_SETTINGS, Limits, Service, describe, variable
from source_services.web.telemetry import LOG_LEVELS, log_to_stderr

FOLDER = Path(__file__).parent

_FILE_NAMES = "name one <service>.csv, .jsonl (with .gz if it is gzipped) or .sqlite"


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal stops the process; returns the exit code, 2 if the services cannot start."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.service is None and (options.port is not None or options.period_column is not None or options.index):
        parser.error("--port, --period-column and --index are for one service: name it; --base-port is for all")
    if options.service is not None and options.base_port is not None:
        parser.error("--base-port is for all services: use --port for one")
    if options.log not in LOG_LEVELS:
        parser.error(f"{options.log!r} is not a level of the log: use one of {', '.join(LOG_LEVELS)}")

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: sys.exit(0))
    log_to_stderr(options.log)
    try:
        limits, token = Limits.from_environment(), _token(options.host)
        with ExitStack() as stack:
            to_serve = _named_service(options) if options.service is not None else _found_services(options)
            folder = options.databases or stack.enter_context(temporary_folder())
            folders = [stack.enter_context(service_folder(folder / service.name)) for service, _ in to_serve]
            # SQLite's temporary files go there too; it reads the variable when it is first used
            os.environ["SQLITE_TMPDIR"] = str(folders[0].absolute())
            tables = [ServedTable(*each, own, limits) for each, own in zip(to_serve, folders, strict=True)]
            asyncio.run(serve(tables, options.host, token, options.look_seconds))
    except ServicesError as error:
        print(f"source_services: {error}", file=sys.stderr)
        return 2
    return 0


def _token(host: str) -> str | None:
    """The token that callers must send. Raises ConfigurationError if other machines can connect and there is none."""
    where = variable("token_file")
    file, token = os.environ.get(where), os.environ.get(variable("token"))
    if file:
        try:
            token = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            what = f"{file} cannot be read ({error})"
            raise ConfigurationError(what, "put the token there, or name its file", where) from None
        if not token:
            raise ConfigurationError(f"{file} is empty", "write a token into it", where)
    if not token and not _is_loopback(host):
        what = f"other machines can connect to {host}, so callers need a token"
        fix = "write one into a file (openssl rand -hex 24) and name the file here, or listen on 127.0.0.1"
        raise ConfigurationError(what, fix, where)
    return token or None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _named_service(options: argparse.Namespace) -> list[tuple[Service, Path]]:
    """The service that is named, and its data file. Raises DataFileError."""
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


def _found_services(options: argparse.Namespace) -> list[tuple[Service, Path]]:
    """Each service that has a data file, and the file. Raises DataFileError."""
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
        epilog=(FOLDER / "help.txt").read_text(encoding="utf-8") + "".join(variables),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("service", nargs="?", metavar="SERVICE", help="Serve only this one. Default: all that have a data file.")
    paths: dict[str, Path | None] = {"data": FOLDER / "sample_data", "databases": None}
    for name, value, sentence in STARTUP_SETTINGS:
        if not name.startswith("token"):  # a token on the command line could be read by other users
            default = os.environ.get(variable(name)) or paths.get(name, str(value))
            add(f"--{name}", type=Path if name in paths else str, default=default, help=f"{sentence} Default: {value}.")
    columns = "Columns of the one service to index together, for fast lookups. May be repeated."
    look = "How often to look for a newer data file. Default: 1."
    add("--port", type=int, metavar="N", help="Port of the one service. Default: its own, or 5004. 0: any free port.")
    add("--base-port", type=int, metavar="N", help="Port of the first service; the others follow. 0: any free ones.")
    add("--period-column", metavar="NAME", help="Column of the one service that contains the period end.")
    add("--index", nargs="+", action="append", default=[], metavar="NAME", help=columns)
    add("--look-seconds", type=float, default=LOOK_SECONDS, metavar="S", help=look)
    return parser
