"""What web pages, programs and tricksters send to the Dagster web UI, and to the API, and what each must get: one table
each for the gateway of the deployment and for the local servers, `finsync dev` and `finsync serve`.
"""

import http.client
import json
from typing import NamedTuple

LAUNCH = '{"query": "mutation {shutdownRepositoryLocation(repositoryLocationName: \\"x\\") {__typename}}"}'
ASK = '{"query": "{version}"}'
JSON = {"Content-Type": "application/json"}
BY_GET = "/graphql?query=mutation%20%7BreloadWorkspace%20%7B__typename%7D%7D"
WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "graphql-ws",
}
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
ALLOWED = {200, 101}
REFUSED = {403, 405, 421}


class Asked(NamedTuple):
    """A request; `{self}` stands for the host and port of the server."""

    what: str
    method: str
    path: str
    headers: dict[str, str]
    body: str | None
    allowed: bool


REQUESTS = [
    Asked("a program asks", "POST", "/graphql", JSON, ASK, True),
    Asked("a user opens a page", "GET", "/runs", {"Sec-Fetch-Site": "none"}, None, True),
    Asked("a page of the UI asks", "POST", "/graphql", {**JSON, "Origin": "http://{self}"}, ASK, True),
    Asked(
        "a page of the UI asks, as browsers say",
        "POST",
        "/graphql",
        {**JSON, "Origin": "http://{self}", "Sec-Fetch-Site": "same-origin"},
        ASK,
        True,
    ),
    Asked("a user follows a link from elsewhere", "GET", "/runs", LINK, None, True),
    Asked(
        "a page of the UI opens a WebSocket", "GET", "/graphql", {**WEBSOCKET, "Origin": "http://{self}"}, None, True
    ),
    Asked("a program opens a WebSocket", "GET", "/graphql", WEBSOCKET, None, True),
    Asked("another host name", "GET", "/runs", {"Host": "evil.example"}, None, False),
    Asked("another host name with our port", "POST", "/graphql", {**JSON, "Host": "evil.example:3000"}, ASK, False),
    Asked("a host name that begins as ours", "GET", "/runs", {"Host": "127.0.0.1.evil.example"}, None, False),
    Asked("a host name that ends as ours", "GET", "/runs", {"Host": "evil-localhost"}, None, False),
    Asked("another page asks", "POST", "/graphql", {**JSON, "Origin": "http://evil.example"}, ASK, False),
    Asked("a page of another port asks", "POST", "/graphql", {**JSON, "Origin": "http://127.0.0.1:1"}, ASK, False),
    Asked("a page without an origin asks", "POST", "/graphql", {**JSON, "Origin": "null"}, ASK, False),
    Asked("an origin that begins as ours", "POST", "/graphql", {**JSON, "Origin": "http://{self}.evil"}, ASK, False),
    Asked("an origin that ends as ours", "POST", "/graphql", {**JSON, "Origin": "http://evil@{self}"}, ASK, False),
    Asked("an empty origin", "POST", "/graphql", {**JSON, "Origin": "http://"}, ASK, False),
    Asked(
        "a form of another page",
        "POST",
        BY_GET,
        {"Content-Type": "text/plain", "Origin": "http://evil.example"},
        "",
        False,
    ),
    Asked(
        "another site asks, without an origin", "POST", "/graphql", {**JSON, "Sec-Fetch-Site": "cross-site"}, ASK, False
    ),
    Asked("another port of this site asks", "GET", "/runs", {"Sec-Fetch-Site": "same-site"}, None, False),
    Asked("another page shows ours in a frame", "GET", "/runs", {**LINK, "Sec-Fetch-Dest": "iframe"}, None, False),
    Asked("a link of another page posts", "POST", "/graphql", {**JSON, **LINK}, LAUNCH, False),
    Asked("an image of another page", "GET", BY_GET, {"Sec-Fetch-Site": "cross-site"}, None, False),
    Asked("a mutation by GET", "GET", BY_GET, {}, None, False),
    Asked("a mutation by HEAD", "HEAD", BY_GET, {}, None, False),
    Asked("a mutation by GET as JSON", "GET", "/graphql", JSON, LAUNCH, False),
    Asked("a mutation by GET, written otherwise", "GET", BY_GET.replace("/g", "/%67"), {}, None, False),
    Asked("a mutation by GET that says it is a link", "GET", BY_GET, LINK, None, False),
    Asked("a mutation by GET that speaks of an upgrade", "GET", BY_GET, {"Upgrade": "h2c"}, None, False),
    Asked("another method", "PUT", "/graphql", JSON, ASK, False),
    Asked("a method to ask what is allowed", "OPTIONS", "/graphql", {"Origin": "http://evil.example"}, None, False),
    Asked(
        "a WebSocket of another page", "GET", "/graphql", {**WEBSOCKET, "Origin": "http://evil.example"}, None, False
    ),
    Asked("a WebSocket of another port", "GET", "/graphql", {**WEBSOCKET, "Origin": "http://localhost:1"}, None, False),
    Asked("a WebSocket to another name", "GET", "/graphql", {**WEBSOCKET, "Host": "evil.example"}, None, False),
    Asked("a WebSocket of another site", "GET", "/graphql", {**WEBSOCKET, "Sec-Fetch-Site": "cross-site"}, None, False),
    *(
        Asked(f"an event of an {what} from outside", "POST", f"/report_asset_{what}/x", JSON, "{}", False)
        for what in ("materialization", "check", "observation")
    ),
]

ITEMS = "/api/v1/items"
QUERY = "/api/v1/query"
SELECT = '{"q": "SELECT 1 AS one", "release": "current"}'
NAMED_ORIGIN = "https://app.example.org"
"""Of pages that may use the API: FINSYNC_API_ORIGINS."""
OF_NAMED = {"Origin": NAMED_ORIGIN, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
OF_FOREIGN = {**OF_NAMED, "Origin": "https://evil.example"}
ASKS_FIRST = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}

API_REQUESTS = [
    Asked("a program asks", "GET", ITEMS, {}, None, True),
    Asked("a program asks for the headers", "HEAD", ITEMS, {}, None, True),
    Asked("a program sends a query", "POST", QUERY, JSON, SELECT, True),
    Asked("a user opens an address", "GET", ITEMS, {"Sec-Fetch-Site": "none"}, None, True),
    Asked("a user follows a link from elsewhere", "GET", ITEMS, LINK, None, True),
    Asked("a page of its own origin asks", "POST", QUERY, {**JSON, "Origin": "http://{self}"}, SELECT, True),
    Asked("a page of a named origin asks", "GET", ITEMS, OF_NAMED, None, True),
    Asked("a page of a named origin sends a query", "POST", QUERY, {**JSON, **OF_NAMED}, SELECT, True),
    Asked("another host name", "GET", ITEMS, {"Host": "evil.example"}, None, False),
    Asked("another host name with the port", "GET", ITEMS, {"Host": "evil.example:3001"}, None, False),
    Asked("a host name that begins as ours", "GET", ITEMS, {"Host": "127.0.0.1.evil.example"}, None, False),
    Asked("another host name, by a named origin", "GET", ITEMS, {**OF_NAMED, "Host": "evil.example"}, None, False),
    Asked("another page asks", "GET", ITEMS, OF_FOREIGN, None, False),
    Asked("another page sends a query", "POST", QUERY, {**JSON, **OF_FOREIGN}, SELECT, False),
    Asked("a page of another port asks", "GET", ITEMS, {"Origin": "http://127.0.0.1:1"}, None, False),
    Asked("a page without an origin asks", "GET", ITEMS, {"Origin": "null"}, None, False),
    Asked("an origin that begins as a named one", "GET", ITEMS, {"Origin": f"{NAMED_ORIGIN}.evil"}, None, False),
    Asked("a named origin with another port", "GET", ITEMS, {"Origin": f"{NAMED_ORIGIN}:8443"}, None, False),
    Asked("a named origin without TLS", "GET", ITEMS, {"Origin": "http://app.example.org"}, None, False),
    Asked("an image of another page", "GET", ITEMS, {"Sec-Fetch-Site": "cross-site"}, None, False),
    Asked("another page shows it in a frame", "GET", ITEMS, {**LINK, "Sec-Fetch-Dest": "iframe"}, None, False),
    Asked("another method", "PUT", ITEMS, JSON, "{}", False),
    Asked("another method, by a named origin", "PUT", ITEMS, {**JSON, **OF_NAMED}, "{}", False),
    Asked("a deletion, by a named origin", "DELETE", ITEMS, OF_NAMED, None, False),
    Asked("a named origin asks what is allowed, of no request", "OPTIONS", ITEMS, OF_NAMED, None, False),
]

PREFLIGHTS = [
    Asked("a named origin may ask", "OPTIONS", QUERY, {**OF_NAMED, **ASKS_FIRST}, None, True),
    Asked("another page may not", "OPTIONS", QUERY, {**OF_FOREIGN, **ASKS_FIRST}, None, False),
    Asked("a program may not", "OPTIONS", QUERY, ASKS_FIRST, None, False),
    Asked(
        "nobody may by another name", "OPTIONS", QUERY, {**OF_NAMED, **ASKS_FIRST, "Host": "evil.example"}, None, False
    ),
]
"""What a browser asks before a page of another origin may: it never sends a password with it."""


def status_of(asked: Asked, port: int, headers: dict[str, str]) -> int:
    """The status that the server on this port of the machine answers."""
    own = f"127.0.0.1:{port}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    sent = {name: value.replace("{self}", own) for name, value in (asked.headers | headers).items()}
    try:
        connection.request(asked.method, asked.path, asked.body, sent)
        return connection.getresponse().status
    finally:
        connection.close()


def headers_of(port: int, headers: dict[str, str], path: str = "/") -> dict[str, str]:
    """The headers of the page, with small letters."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        found: dict[str, str] = {}
        for name, value in answer.getheaders():
            found[name.lower()] = f"{found.get(name.lower(), '')} {value}".strip()
        return found
    finally:
        connection.close()


def version_of(port: int, headers: dict[str, str]) -> str:
    """What GraphQL answers to a program."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("POST", "/graphql", ASK, {**JSON, **headers})
        return str(json.load(connection.getresponse())["data"]["version"])
    finally:
        connection.close()
