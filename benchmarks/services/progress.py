"""What is going on, on stderr: the figures alone go to stdout."""

import sys


def say(what: str) -> None:
    """One line of progress."""
    print(f"  {what}", file=sys.stderr, flush=True)
