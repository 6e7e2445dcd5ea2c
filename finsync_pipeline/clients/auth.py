"""The token of a service: read from a file, sent as `Authorization: Bearer`, and never shown."""

import re
from pathlib import Path

from requests import PreparedRequest
from requests.auth import AuthBase

from finsync_pipeline.errors import ConfigurationError


class Bearer(AuthBase):
    """The authorization of each request of a session; its text does not show the token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the token to the request."""
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def without_token(self, text: str) -> str:
        """Replace the token in a text that may be shown."""
        return text.replace(self._token, "***")


def read_token(source: str, token_file: str) -> Bearer | None:
    """Read the token that authorizes requests to the source; None without a `token_file`.

    Raises ConfigurationError.
    """
    if not token_file:
        return None
    try:
        text = Path(token_file).expanduser().read_text(encoding="utf-8").strip()
        what = "" if re.fullmatch(r"[!-~]+", text) else "contains more than one word, or letters that no token has"
        what = what if text else "is empty"
    except (OSError, ValueError) as error:
        what = f"cannot be read ({getattr(error, 'strerror', None) or 'not a text file'})"
    if what:
        raise ConfigurationError(
            f"token_file {token_file} {what}",
            f"Put the token of the service there, as one word that the user of this process may read, or correct "
            f"token_file in defs/sources/{source}/defs.yaml",
            f"Source {source!r}",
        )
    return Bearer(text)
