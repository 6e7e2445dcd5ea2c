"""The token of a service: sent with every request, and never shown."""

from pathlib import Path

import pytest
from misbehaving_server import GOOD_BODY, http, misbehaving

from finsync_pipeline.clients.http import RetryPolicy
from finsync_pipeline.clients.source_service import SourceService
from finsync_pipeline.errors import ConfigurationError

TOKEN = "s3cret-T0ken+/="
QUICK = RetryPolicy(connect=5, read=5, backoff=0.01)


@pytest.fixture
def token_file(tmp_path: Path) -> str:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    return str(file)


def test_every_request_has_the_token_instead_of_the_password_of_the_url(token_file: str) -> None:
    with misbehaving(http(GOOD_BODY)) as server:
        url = server.url.replace("//", "//reader:word@")
        with SourceService("pnl", url, token_file=token_file) as service:
            service.query("SELECT 1")
            service.query("SELECT 2")
        assert [f"Authorization: Bearer {TOKEN}\r\n" in head for head in server.heads] == [True, True]


@pytest.mark.parametrize(
    "answer",
    [
        http(b'{"detail": "your token ' + TOKEN.encode() + b' is too old"}', "401 Who"),
        http(b'{"detail": "not for ' + TOKEN.encode() + b'"}', "500 Oh"),
        http(b"", "302 Found", f"Location: /login?token={TOKEN}"),
        http(b"no JSON"),
        b"",
    ],
)
def test_no_message_and_no_text_of_an_object_shows_the_token(answer: bytes, token_file: str) -> None:
    with misbehaving(answer) as server, SourceService("pnl", server.url, QUICK, token_file) as service:
        with pytest.raises(Exception, match="pnl") as error:
            service.query("SELECT 1")
        assert TOKEN in server.heads[0]
        for shown in (str(error.value), repr(error.value), repr(vars(service)), repr(vars(service._http))):
            assert TOKEN not in shown


def test_the_error_of_a_rejected_token_names_its_file(token_file: str) -> None:
    for status in ("401 Who", "403 No"):
        with (
            misbehaving(http(b"", status)) as server,
            SourceService("pnl", server.url, QUICK, token_file) as service,
            pytest.raises(Exception, match=f"Check that {token_file} contains the current token of the service"),
        ):
            service.query("SELECT 1")


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"two words", "contains more than one word"),
        (b"one\nX-Other: header", "contains more than one word"),
        ("wörd".encode(), "letters that no token has"),
        (b"\xff\xfe\x00", "cannot be read (not a text file)"),
    ],
)
def test_the_error_of_a_file_without_a_token_names_it_and_the_fix(
    tmp_path: Path, content: bytes | None, shown: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError) as error:
        SourceService("pnl", "http://127.0.0.1:9", token_file=str(file))
    assert f"Source 'pnl': token_file {file} " in str(error.value)
    assert shown in str(error.value)
    assert "correct token_file in defs/sources/pnl/defs.yaml" in str(error.value)


def test_without_a_file_no_token_is_sent() -> None:
    with misbehaving(http(GOOD_BODY)) as server, SourceService("pnl", server.url) as service:
        service.query("SELECT 1")
        assert "Authorization" not in server.heads[0]
