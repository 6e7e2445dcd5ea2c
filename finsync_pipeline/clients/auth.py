"""The token that a service asks for: read from a file, sent as `Authorization: Bearer`, and never shown."""

import re
from pathlib import Path

from requests import PreparedRequest
from requests.auth import AuthBase

from finsync_pipeline.clients.errors import TokenMistake


class Bearer(AuthBase):
    """The authorization of each request of a session; its text shows no token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """The request with the token in it."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def without_token(self, text: str) -> str:
        """The text as it may be shown, should it hold the token."""
        return text.replace(self._token, "***")

    def __repr__(self) -> str:
        return "Bearer(***)"


def read_token(source: str, token_file: str) -> Bearer | None:
    """What authorizes requests to the source: the token in the file, or None where none is named.

    Raises TokenMistake, which names the file and the cure.
    """
    if not token_file:
        return None
    try:
        text = Path(token_file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise _mistake(source, token_file, f"cannot be read ({why})") from None
    if not text:
        raise _mistake(source, token_file, "is empty")
    if not re.fullmatch(r"[!-~]+", text):
        raise _mistake(source, token_file, "holds more than one word, or letters that no token has")
    return Bearer(text)


def _mistake(source: str, token_file: str, what: str) -> TokenMistake:
    return TokenMistake(
        f"Source {source!r}: token_file {token_file} {what}. Put the token of its service there, as one word that the "
        f"user of this process may read, or mend token_file in defs/sources/{source}/defs.yaml."
    )
