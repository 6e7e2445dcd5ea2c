"""Every format has the same rows, and its headers have their number and length."""

import math

import pytest
from service_client import FORMATS, digest, result_of, sqlite_bytes

BIG = 2**53 + 1
COLUMNS = ["name, of it", "whole", "number", "mixture", "bytes", "nothing"]
ROWS = [
    ['é𝔘 "quoted", comma\nnew line', BIG, -0.0, "1", b"\x00\xff", None],
    ["", -5, 0.1, 1, None, None],
    [None, None, None, 1.5, b"", None],
    ["NULL", -(2**63), 1e300, None, b"x", None],
    [" nan ", 0, 2.0, b"\x01", None, None],
]
KINDS = ["text", "integer", "number", "mixed", "blob", "empty"]


@pytest.fixture(scope="module")
def client(serve_to_module):
    columns = ", ".join(f'"{name}"' for name in COLUMNS)
    made = sqlite_bytes(f"CREATE TABLE odd ({columns})", ("INSERT INTO odd VALUES (?, ?, ?, ?, ?, ?)", ROWS))
    return serve_to_module("odd.sqlite", made)


def in_format(cell, kind, format_):
    """A cell of a column of this kind, as the format has it."""
    if cell is None:
        return None
    if isinstance(cell, bytes) and (kind == "mixed" or format_ in ("json", "ndjson", "csv")):
        cell = cell.hex()
    if isinstance(cell, float) and math.isinf(cell) and (kind == "mixed" or format_ in ("json", "ndjson")):
        cell = "Infinity" if cell > 0 else "-Infinity"
    if kind == "number" and format_ in ("arrow", "parquet"):
        return float(cell)
    return str(cell) if format_ == "csv" and kind != "number" else cell


def same(found, rows, kinds, format_):
    """The rows as the format has them are these; numbers to their last bit and sign."""
    expected = [[in_format(cell, kind, format_) for cell, kind in zip(row, kinds, strict=True)] for row in rows]
    if format_ == "csv":
        found = [
            [
                float(cell) if kind == "number" and cell is not None else cell
                for cell, kind in zip(row, kinds, strict=True)
            ]
            for row in found
        ]
        expected = [[float(cell) if isinstance(cell, int) else cell for cell in row] for row in expected]
    assert list(map(repr, found)) == list(map(repr, expected))


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("/data", {}),
        ("/data", {"limit": 10}),
        ("/query", {"q": "SELECT * FROM odd"}),
        ("/query", {"q": 'SELECT "name, of it", whole, number, mixture, bytes, "nothing" FROM odd ORDER BY _rowid_'}),
        ("/query", {"q": "WITH a AS (SELECT * FROM odd) SELECT * FROM a"}),
    ],
    ids=["data", "page", "query", "columns", "with"],
)
def test_every_format_has_the_same_rows_of_every_kind(client, format_, path, parameters):
    response = client.get(path, params={**parameters, "format": format_})
    assert response.headers["Content-Type"].partition(";")[0] == FORMATS[format_]
    columns, rows = result_of(response)
    assert columns == COLUMNS
    same(rows, ROWS, KINDS, format_)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(
    ("sql", "columns", "kinds", "rows"),
    [
        ("SELECT 1 AS a, 'x' AS a, 0.5 AS A", ["a", "a_2", "A_3"], ["integer", "text", "number"], [[1, "x", 0.5]]),
        ("SELECT 9e999 AS up, -9e999 AS down", ["up", "down"], ["number"] * 2, [[math.inf, -math.inf]]),
        ("VALUES (1), (0.5), (NULL)", ["column1"], ["number"], [[1], [0.5], [None]]),
        (f"VALUES ({BIG}), (0.5)", ["column1"], ["mixed"], [[BIG], [0.5]]),
        ("VALUES ('x'), (1), (x'00'), (9e999)", ["column1"], ["mixed"], [["x"], [1], [b"\0"], [math.inf]]),
        ("SELECT whole AS a FROM odd UNION ALL SELECT 'x'", ["a"], ["mixed"], [[row[1]] for row in ROWS] + [["x"]]),
        (
            "SELECT \"name, of it\" AS a FROM odd UNION ALL SELECT x'01'",
            ["a"],
            ["mixed"],
            [[row[0]] for row in ROWS] + [[b"\1"]],
        ),
        ("SELECT bytes AS a, 1 AS b FROM odd UNION SELECT NULL, 2", ["a", "b"], ["blob", "integer"], None),
        (
            "SELECT a.whole AS a, b.whole AS b FROM odd a JOIN odd b USING (whole) WHERE whole = 0",
            ["a", "b"],
            None,
            None,
        ),
    ],
    ids=["same names", "infinity", "numbers", "too large", "mixed", "union", "union of blob", "blobs", "join"],
)
def test_every_format_has_the_same_computed_columns(client, sql, columns, kinds, rows, format_):
    response = client.post(sql, format_)
    assert result_of(response)[0] == columns
    if rows is not None:
        same(result_of(response)[1], rows, kinds, format_)


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("path", ["/data?filter.whole=99", "/query?q=SELECT+*+FROM+odd+WHERE+0"])
def test_an_empty_result_has_its_columns_in_every_format_with_a_header(client, path, format_):
    columns, rows = result_of(client.get(f"{path}&format={format_}"))
    assert (columns, rows) == ([] if format_ == "ndjson" else COLUMNS, [])


@pytest.mark.parametrize("last", [40_000, 40_960], ids=["within a piece", "between pieces"])
@pytest.mark.parametrize("format_", ["arrow", "csv"])
@pytest.mark.parametrize(
    ("first", "later", "kind"),
    [
        ("1", "'x'", "mixed"),
        ("NULL", "'x'", "text"),
        ("NULL", "7", "integer"),
        ("7", "NULL", "integer"),
        ("7", "0.5", "number"),
        ("0.5", "7", "number"),
        ("0.5", f"{BIG}", "mixed"),
        (f"{BIG}", "0.5", "mixed"),
        ("'x'", "x'00'", "mixed"),
    ],
)
def test_rows_of_another_kind_than_the_first_32_000_are_written_correctly(client, first, later, kind, format_, last):
    many = (
        "(SELECT row_number() OVER () AS n FROM " + ", ".join(f"odd t{number}" for number in range(7)) + " LIMIT 41000)"
    )
    response = client.post(f"SELECT CASE WHEN n > {last} THEN {later} ELSE {first} END AS v FROM {many}", format_)
    cells = {"NULL": None, "'x'": "x", "x'00'": b"\0"}
    before, after = (
        cells[text] if text in cells else float(text) if "." in text else int(text) for text in (first, later)
    )
    columns, rows = result_of(response)
    assert (columns, len(rows)) == (["v"], 41_000)
    same([rows[0], rows[last - 1], rows[last], rows[-1]], [[before], [before], [after], [after]], [kind], format_)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_large_response_is_as_complete_as_a_small_one(client, format_):
    many = ", ".join(f"odd t{number}" for number in range(6))
    columns, rows = result_of(response := client.post(f"SELECT t0.*, t1.whole AS more FROM {many}", format_))
    assert (len(columns), len(rows)) == (7, 5**6)
    same([row[:6] for row in rows[:: 5**5]], ROWS, KINDS, format_)
    if format_ != "parquet":
        assert len(response.content) > 256 << 10, "so it was sent from a file"


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("size", ["small", "large"])
def test_head_has_the_headers_of_get_and_no_body(client, format_, size):
    tables = "odd a" if size == "small" else "odd a, odd b, odd c, odd d, odd e, odd f"
    parameters = {"q": f"SELECT a.* FROM {tables}", "format": format_}
    got, headed = client.get("/query", params=parameters), client.head("/query", params=parameters)
    assert (headed.status_code, headed.content) == (200, b"")
    for name in ("Content-Length", "Content-Type", "Repr-Digest", "X-Row-Count", "ETag", "X-Data-Version", "Vary"):
        assert headed.headers[name] == got.headers[name], name
    assert got.headers["Repr-Digest"] == digest(got.content)


@pytest.mark.parametrize(
    ("accept", "format_"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/json", "json"),
        ("application/*", "json"),
        ("text/*", "csv"),
        ("text/csv", "csv"),
        ("TEXT/CSV; charset=utf-8", "csv"),
        ("application/x-ndjson", "ndjson"),
        ("application/vnd.apache.arrow.stream", "arrow"),
        ("application/vnd.apache.parquet", "parquet"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("application/json;q=0.5, text/csv", "csv"),
        ("application/json;q=0.5, text/csv;q=0.4", "json"),
        ("text/csv;q=0, */*;q=0.1", "json"),
        ("application/json;q=0, */*", "ndjson"),
        ("application/*;q=0, */*", "csv"),
        ("text/csv;q=0.1, */*", "json"),
        ("text/csv, application/json", "csv"),
        ("text/*;q=0.9, text/csv;q=0.1, application/x-ndjson;q=0.5", "ndjson"),
        ("text/html", None),
        ("image/png, text/html;q=0.5", None),
        ("application/json;q=0", None),
        ("*/*;q=0", None),
    ],
)
def test_accept_chooses_the_format(client, accept, format_):
    response = client.get("/query?q=SELECT+1", headers={"Accept": accept})
    if format_ is None:
        assert (response.status_code, response.json()["code"]) == (406, "not-acceptable")
        assert "text/csv" in response.json()["detail"]
    else:
        assert response.headers["Content-Type"].partition(";")[0] == FORMATS[format_]
    assert client.get("/data?format=ndjson", headers={"Accept": accept}).headers["Content-Type"] == FORMATS["ndjson"]
    assert client.get("/health", headers={"Accept": accept}).status_code == 200
