"""What may go wrong with a source's service, and how it is told: name, address, what, and the cure."""

import re
from dataclasses import dataclass


class SourceFault(Exception):
    """A source cannot be extracted from now; the message names it, its address and the cure."""


class SourceUnavailable(SourceFault):
    """The service does not answer, or says that it cannot now. Asking again later may help."""


class SourceAnswerMistake(SourceFault):
    """The service answers, but not what it was asked. Asking again does not help."""


class NoSuchRoute(SourceAnswerMistake):
    """The service has nothing at this route, or not by this method."""


class TooMuchAsked(SourceAnswerMistake):
    """The service refuses to answer so much at once. Asking for less helps."""


class SourceChanged(SourceFault):
    """The source published other data between two questions; the message says what to materialize again."""


class TokenMistake(SourceFault):
    """The file that should hold the token of a source cannot be used."""


@dataclass(frozen=True)
class Complaints:
    """The faults of the service of the source `name`, which listens at `url` (shown without what may be secret)."""

    name: str
    url: str

    @property
    def place(self) -> str:
        """Where the source is declared."""
        return f"defs/sources/{self.name}/defs.yaml"

    def unavailable(self, what: str) -> SourceUnavailable:
        """It does not answer, or not to its end."""
        return SourceUnavailable(
            f"Source {self.name!r} at {self.url} {what}. Start its service (python -m source_services), or mend "
            f"url in {self.place}. What was extracted before stays as it is."
        )

    def nonsense(self, what: str) -> SourceAnswerMistake:
        """It answers what no service of a source answers."""
        return SourceAnswerMistake(
            f"Source {self.name!r} at {self.url} answered nonsense: {what}. Is another program listening there? "
            f"Check url in {self.place}; what was extracted before stays as it is."
        )

    def no_address(self) -> SourceAnswerMistake:
        """Its url cannot be asked at all."""
        return SourceAnswerMistake(
            f"Source {self.name!r}: {self.url} is no address that can be asked. "
            f"Mend url in {self.place}, like http://127.0.0.1:5001."
        )

    def refused(self, route: str, status: int, said: str, token_file: str) -> SourceAnswerMistake:
        """It answers with a status of 4xx; `said` is its own message, `token_file` what its token was read from."""
        kind = {404: NoSuchRoute, 405: NoSuchRoute, 501: NoSuchRoute, 413: TooMuchAsked}.get(
            status, SourceAnswerMistake
        )
        cure = f"Check url and table in {self.place}"
        if status in (401, 403):
            cure = (
                f"Check that {token_file} holds the token that it takes now"
                if token_file
                else f"Put its token into a file and name the file as token_file in {self.place}"
            )
        told = f": {said}" if said else ""
        return kind(f"Source {self.name!r} at {self.url} refused {route} ({status}){told}. {cure}.")

    def incomplete(self, what: str) -> SourceAnswerMistake:
        """It has more than it answers, and there is no way to ask for the rest."""
        return SourceAnswerMistake(
            f"Source {self.name!r} at {self.url} cannot be read to the end: {what}. Have the service answer more rows "
            f"at once, or give each row a key of its own (row_key in {self.place})."
        )

    def changed(self) -> SourceChanged:
        """It has other rows than it said before."""
        return SourceChanged(
            f"Source {self.name!r} at {self.url} has other rows than its delivery says: it changed in between. "
            f"Materialize {self.name} (all its assets) for these quarters again."
        )


def without_credentials(url: str) -> str:
    """The url as it may be shown: without user, password and query, which may hold secrets."""
    return re.split(r"[?#]", re.sub(r"//.*@", "//", url))[0]
