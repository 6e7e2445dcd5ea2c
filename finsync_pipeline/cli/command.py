"""The `finsync` command: the main job in one process, a release, the account of it, and the local set-up."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from dotenv import load_dotenv

from finsync_pipeline.settings import SETTINGS, SettingMistake

EXAMPLES = """\
examples:
  finsync run --with-services          everything, from the sample services to the CSV
  finsync run --quarters 2009-Q1...2009-Q4
                                       only these quarters, then the release
  finsync release --allow-missing pnl  publish what is in, also without pnl; the manifest says so
  finsync review                       source names of companies that a person should decide on
  finsync decide                       the list of companies or the review changed: decide again, and publish
  finsync check                        is what you declared right? says file, line and cure
  finsync show                         the current release: what went in, what was refused and why
  finsync dev --with-services          the Dagster web UI over the same tables

settings (environment, or a file .env in this folder):
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code: 0, 1 for a run that failed, 2 for a mistake in what was asked."""
    load_dotenv(Path.cwd() / ".env")
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except SettingMistake as mistake:
        print(f"finsync: {mistake}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    settings = "".join(f"  {name}\n      {meaning}\n" for name, meaning in SETTINGS.items())
    parser = argparse.ArgumentParser(
        prog="finsync",
        description="Financial statements from services that disagree, made into one table that can be trusted.",
        epilog=EXAMPLES + settings,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="extract, correct, map, aggregate and publish, in this process")
    run.add_argument("--quarters", metavar="Q[...Q]", help="2009-Q4, or 2009-Q1...2009-Q4; default: all with rows")
    _add_allow_missing(run)
    _add_with_services(run)
    run.set_defaults(command=_run)

    release = commands.add_parser("release", help="publish what is in the tables")
    _add_allow_missing(release)
    release.set_defaults(command=_release)

    review = commands.add_parser("review", help="spellings whose rows are refused, for a person to decide")
    review.add_argument("--csv", action="store_true", help="all of them, in the columns of the review file")
    review.set_defaults(command=_review)

    decide = commands.add_parser("decide", help="decide company ids again by the rows that are kept, and publish")
    _add_allow_missing(decide)
    decide.set_defaults(command=_decide)

    check = commands.add_parser("check", help="check sources, companies and settings, without running anything")
    check.set_defaults(command=_check)

    show = commands.add_parser("show", help="the account of the current release")
    show.set_defaults(command=_show)

    dev = commands.add_parser("dev", help="the Dagster web UI on http://127.0.0.1:3000")
    _add_with_services(dev)
    dev.add_argument("--port", type=int, default=3000)
    dev.set_defaults(command=_dev)

    setup = commands.add_parser("setup", help="write .env and the local Dagster instance, where there are none")
    setup.set_defaults(command=_setup)
    return parser


def _add_allow_missing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-missing",
        metavar="SOURCE",
        action="append",
        default=[],
        help="extract nothing from this source, and publish without what it lacks; may be repeated",
    )


def _add_with_services(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--with-services", action="store_true", help="start the source services, if they do not run")


# Dagster takes a second to import: each command imports what it needs.


def _run(options: argparse.Namespace) -> int:
    from finsync_pipeline.cli import run

    return run.run(options.quarters, options.allow_missing, options.with_services)


def _release(options: argparse.Namespace) -> int:
    from finsync_pipeline.cli import release

    return release.release(options.allow_missing)


def _review(options: argparse.Namespace) -> int:
    from finsync_pipeline.cli import review

    return review.show(options.csv)


def _decide(options: argparse.Namespace) -> int:
    from finsync_pipeline.cli import re_resolve

    return re_resolve.decide(options.allow_missing)


def _check(_: argparse.Namespace) -> int:
    from finsync_pipeline.cli import check

    return check.check()


def _show(_: argparse.Namespace) -> int:
    from finsync_pipeline.cli import show

    return show.show_current()


def _dev(options: argparse.Namespace) -> int:
    from finsync_pipeline.cli import dev

    return dev.serve(options.port, options.with_services)


def _setup(_: argparse.Namespace) -> int:
    from finsync_pipeline.cli import setup

    return setup.set_up(Path.cwd())
