"""Writing from the explorer: what a request must have, each refusal, and where the token is not."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from browser_requests import NAMED_ORIGIN
from serving.conftest import Client, check_problem, queried, serving

from finsync_pipeline.serving.write_access import WRONG_TOKENS

TOKEN = "a-token-for-writing-0123456789"
NAME = {"source": "pnl", "source_name": "Initech"}
DECISION = {**NAME, "company_id": "G1", "who": "jane", "note": "its new name"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def client(worked) -> Iterator[Client]:
    """The explorer over a deployment of its own with one name to decide, asked by a browser without the right."""
    reading = lambda: queried(worked.home, worked.folder / "companies.csv")  # noqa: E731
    with serving(reading, write_token=TOKEN, origins=(NAMED_ORIGIN,)) as made:
        made.session.headers["Accept"] = "text/html"
        yield made


@pytest.fixture
def writer(client: Client) -> Client:
    """The same after the right to write was given."""
    response = client.get(f"//?token={TOKEN}")
    assert response.url == f"{client.url}/"
    return client


def version(client: Client) -> str:
    """What the page of the name was made from."""
    page = client.get("//review/name", params={**NAME, "company_id": "G1", "who": "jane"})
    found = re.search(r'name="version" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def post(client: Client, fields: dict[str, str] | str, path: str = "//review/decisions", **headers: str):
    """A form as a page of this origin sends it; a header that is empty is left out."""
    sent = {**FORM, "Origin": client.url, "Sec-Fetch-Site": "same-origin", **headers}
    body = fields if isinstance(fields, str) else urlencode(fields)
    sent = {name.replace("_", "-"): value for name, value in sent.items() if value}
    return client.request("POST", path, data=body.encode(), headers=sent, allow_redirects=False)


def lines(worked) -> list[str]:
    file = worked.folder / "review.csv"
    return file.read_text().splitlines()[1:] if file.exists() else []


def test_a_decision_is_shown_written_and_waits_for_re_resolution(worked, writer):
    assert "Initech" in writer.get("//review").text
    shown = writer.get("//review/name", params=DECISION).text
    assert "not used</td><td>G1" in shown
    response = post(writer, {**DECISION, "version": version(writer)})
    assert response.status_code == 303
    assert [line.split(",2")[0] for line in lines(worked)] == ["pnl,Initech,,G1,,,jane"]
    page = writer.session.get(writer.url + response.headers["Location"]).text
    assert "Waiting to be re-resolved" in page
    assert "finsync re-resolve" in page
    assert "Nothing to decide" in page
    assert writer.json("/review", format="json")["rows"] == []
    assert [row["line"][:9] for row in writer.json("/review", waiting="true", format="json")["rows"]] == ["'Initech'"]
    assert worked.finsync("check") == 0
    assert worked.finsync("re-resolve", "--accept", "decided") == 0
    assert "Waiting" not in writer.get("//review").text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example.org"}, 421),
        ({"Origin": ""}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Origin": "http://localhost"}, 403),
        ({"Origin": "https://evil.example.org"}, 403),
        ({"Origin": NAMED_ORIGIN, "Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Cookie": "finsync_write=x"}, 403),
        ({"Content_Type": "application/json"}, 415),
        ({"Content_Type": "text/plain"}, 415),
    ],
)
def test_a_write_that_is_not_of_this_page_with_the_right_is_refused(worked, client, headers, status):
    client.get(f"//?token={TOKEN}")
    based_on = version(client)
    if "Cookie" in headers:
        client.session.cookies.clear()
    headers = {name.replace("Sec_Fetch_Site", "Sec-Fetch-Site").replace("_T", "-T"): v for name, v in headers.items()}
    response = post(client, {**DECISION, "version": based_on}, **headers)
    assert response.status_code == status, response.text
    assert "What to do" in response.text
    assert lines(worked) == []


def test_https_in_the_origin_of_a_page_over_http_is_another_origin(worked, writer):
    response = post(writer, {**DECISION, "version": version(writer)}, Origin=writer.url.replace("http:", "https:"))
    assert response.status_code == 403
    assert lines(worked) == []


def test_without_the_right_the_page_leads_to_where_the_token_is_entered(worked, client):
    assert "enter the token" in client.get("//review").text
    assert "Write the decision" not in client.get("//review/name", params=DECISION).text
    response = post(client, {**DECISION, "version": "x.y"})
    assert response.status_code == 403
    assert 'href="/token"' in response.text
    for wrong in ("", "wrong", TOKEN + "x", TOKEN[:-1]):
        assert post(client, {"token": wrong}, "//token").status_code == 403
    assert post(client, {"token": TOKEN}, "//token", Origin="").status_code == 403
    response = post(client, {"token": TOKEN}, "//token")
    assert (response.status_code, response.headers["Location"]) == (303, "/review")
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert TOKEN not in cookie
    assert "enter the token" not in client.get("//review").text
    assert lines(worked) == []


def test_the_token_is_in_no_page_address_header_or_log(client, capfd, caplog):
    caplog.set_level("DEBUG")
    client.session.headers["Referer"] = client.url
    for path in (f"//?token={TOKEN}&q=acme", f"//review?token={TOKEN}", f"//nothing?token={TOKEN}"):
        response = client.get(path, allow_redirects=False)
        assert response.status_code == 303
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "no-store"
        assert TOKEN not in str(response.headers) + response.text
        followed = client.get(path)
        assert TOKEN not in followed.url + followed.text + str(followed.headers)
    wrong = client.get("//review?token=guessed-by-somebody&q=x")
    assert wrong.status_code == 403
    assert "guessed-by-somebody" not in wrong.text
    metrics = client.get("//metrics").text
    logged = capfd.readouterr()
    records = [str(each.__dict__) for each in caplog.records if not each.name.startswith("urllib3")]  # the client's
    assert records
    assert TOKEN not in metrics + logged.out + logged.err + str(records)


def test_an_address_with_a_token_leads_to_no_other_site(client):
    for path in (f"////evil.example.org/?token={TOKEN}", f"///\\evil.example.org?token={TOKEN}"):
        location = client.get(path, allow_redirects=False).headers["Location"]
        assert re.match(r"/[^/\\]", location), location


def test_who_guesses_tokens_has_to_wait_and_then_also_with_the_right_one(client):
    codes = [post(client, {"token": f"guess {number}"}, "//token").status_code for number in range(WRONG_TOKENS + 1)]
    assert codes == [403] * WRONG_TOKENS + [429]
    assert post(client, {"token": TOKEN}, "//token").status_code == 429
    assert client.get(f"//?token={TOKEN}", allow_redirects=False).status_code == 429


def test_of_two_that_decide_the_same_name_the_second_sees_what_the_first_decided(worked, writer):
    based_on = version(writer)
    assert post(writer, {**DECISION, "version": based_on, "note": HOSTILE}).status_code == 303
    before = lines(worked)
    response = post(writer, {**DECISION, "company_id": "A1", "version": based_on})
    assert response.status_code == 409
    assert "jane" in response.text
    assert "&lt;script&gt;" in response.text
    assert HOSTILE not in response.text
    assert lines(worked) == before


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"company_id": "X9"}, "X9"),
        ({"company_id": ""}, "company_id"),
        ({"who": " "}, "who"),
        ({"who": "j" * 101}, "longer than 100"),
        ({"note": "n" * 501}, "longer than 500"),
        ({"note": "two\nlines"}, "line break"),
        ({"who": "nul\0"}, "control character"),
        ({"valid_from": "2009-13-01"}, "2009-13-01"),
        ({"valid_from": "2010-01-01", "valid_to": "2009-01-01"}, "after valid_to"),
        ({"source": "elsewhere"}, "elsewhere"),
        ({"source_name": ""}, "source_name"),
        ({"supporting_columns": "{"}, "JSON"),
    ],
)
def test_a_field_that_is_not_valid_is_named(worked, writer, fields, named):
    response = post(writer, {**DECISION, "version": version(writer), **fields})
    assert response.status_code == 400
    assert named in response.text
    assert lines(worked) == []


def test_bodies_that_are_no_form_are_refused(worked, writer):
    for body in ("who=a&who=b", "%ff=%ff", "&".join(f"a{number}=1" for number in range(50)), "\xff"):
        assert post(writer, body).status_code == 400
    assert post(writer, {"note": "x" * 300_000}).status_code == 413
    assert lines(worked) == []


def test_hostile_texts_are_written_as_text_and_shown_as_text(worked, writer):
    for who, name in (("=1+1", "=cmd"), (HOSTILE, "x")):
        response = post(writer, {**DECISION, "who": who, "note": who, "source_name": name, "version": version(writer)})
        assert response.status_code == 303, response.text
    assert lines(worked)[0].startswith("pnl,'=cmd,,G1,,,'=1+1,")
    shown = writer.get("//review/name", params={**DECISION, "who": HOSTILE, "note": HOSTILE, "more": HOSTILE}).text
    assert HOSTILE not in shown
    assert "&lt;script&gt;" in shown


def test_a_review_file_with_a_mistake_is_named_and_left_as_it_is(worked, writer):
    based_on = version(writer)
    (worked.folder / "review.csv").write_text("source_name,company_id,who,when\nHP,X9,joe,2025-01-01\n")
    for response in (writer.get("//review"), post(writer, {**DECISION, "version": based_on})):
        assert response.status_code == 503
        assert "review.csv, row 2, column company_id" in response.text
        assert str(worked.folder) not in response.text
    assert lines(worked) == ["HP,X9,joe,2025-01-01"]


def test_where_the_file_cannot_be_written_the_page_names_the_command_and_the_line(worked, writer, monkeypatch):
    based_on = version(writer)
    monkeypatch.setattr("os.access", lambda *_: False)
    assert "This deployment is read-only" in writer.get("//review").text
    assert "pnl,Initech,,G1,,,jane" in writer.get("//review/name", params=DECISION).text
    response = post(writer, {**DECISION, "version": based_on})
    assert response.status_code == 403
    assert "finsync re-resolve" in response.text
    assert lines(worked) == []


def test_a_server_without_a_token_for_writing_is_read_only(worked):
    with serving(lambda: queried(worked.home, worked.folder / "companies.csv")) as client:
        client.session.headers["Accept"] = "text/html"
        assert "This explorer is read-only" in client.get("//review").text
        assert client.get("//?token=anything").url == f"{client.url}/"
        assert "This explorer is read-only" in client.get("//token").text
        assert post(client, {**DECISION, "version": "x.y"}).status_code == 403
        assert post(client, {"token": ""}, "//token").status_code == 403
        check_problem(
            client.request("POST", "//review/decisions", headers={**FORM, "Origin": client.url, "Accept": "*/*"}),
            403,
            "read-only",
        )
    assert lines(worked) == []


def test_a_name_that_is_not_in_the_queue_leads_back_to_it(writer):
    response = writer.get("//review/name", params={"source": "pnl", "source_name": HOSTILE})
    assert response.status_code == 404
    assert HOSTILE not in response.text
