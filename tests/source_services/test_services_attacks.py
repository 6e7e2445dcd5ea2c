"""Hostile SQL over HTTP against a service in a process with little memory: rejected in time, without a trace."""

import gzip
import hashlib
import json
import os
import threading
import time
from dataclasses import dataclass
from http.client import BadStatusLine
from pathlib import Path

import pytest
import requests
from local_services import started
from service_client import FORMATS, check_problem, clients_of, json_lines, write_data_file

PROGRAM = (
    "-c",
    "from source_services.query import scheduling; scheduling.WALL_FACTOR = 1_000\n"
    "from source_services.cli import main; main()",
)
"""The services without their bound on the wall clock: on a busy machine too, processor time stops a query."""

ADDRESS_SPACE = 3 << 30
MEMORY_MB = 1_000
QUERY_SECONDS = 0.4
ROWS = 250
SECRETS = ("Mk7XsecretOfAnother", "balance_sheet_cell_Q8", "of_another_caller_Z3")
FORBIDDEN = (
    *("sqlite", "apsw", "aiohttp", "python", "traceback", "no such", "near ", "syntax error", "authoriz", "prohibited"),
    *(
        "misuse",
        "malformed",
        "/tmp/",
        ".csv",
        ".arrow",
        "create table",
        "immutable",
        "line 1",
        "0x",
        "3.5",
        "exception",
    ),
    *(secret.lower() for secret in SECRETS),
)
"""What no response to an attack may contain, in upper or lower case."""

NOT_ALLOWED, INVALID, TOO_LARGE, STOPPED, BUSY = (
    (400, "sql-not-allowed"),
    (400, "sql-invalid"),
    (413, "too-large"),
    (504, "query-timeout"),
    (503, "busy"),
)


@dataclass(frozen=True)
class Attacked:
    """The service of the table `pnl`; the folders that its process can write to, and the process."""

    client: object
    folder: Path
    pid: int

    def files(self) -> dict[Path, str]:
        """Each file that the process could have written, and its hash."""
        return {
            path: hashlib.sha256(path.read_bytes()).hexdigest() for path in self.folder.rglob("*") if path.is_file()
        }

    def processor_seconds(self) -> float:
        """The processor time that the process has used, which does not depend on what else the machine does."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def megabytes(self) -> int:
        """The most memory that the process has had."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) >> 10


@pytest.fixture(scope="module")
def attacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacked")
    (folder / "temporary").mkdir()
    rows = [{"n": number, "t": f"a{number}", "Period Ended": f"Q{number % 4}"} for number in range(ROWS)]
    write_data_file(folder / "data", "pnl.jsonl", json_lines(rows))
    write_data_file(folder / "data", "balance_sheet.csv", f"fiscalDateEnding,a\n2009-12-31,{SECRETS[1]}\n")
    (folder / "secret.txt").write_text(SECRETS[0])
    settings = {
        "FINSYNC_SERVICES_QUERY_SECONDS": str(QUERY_SECONDS),
        "TMPDIR": str(folder / "temporary"),
        "SQLITE_TMPDIR": str(folder / "temporary"),
    }
    arguments = ["--data", folder / "data", "--base-port", 0, "--databases", folder / "databases", "--log", "error"]
    with started(*arguments, count=3, address_space=ADDRESS_SPACE, program=PROGRAM, **settings) as (process, lines):
        client = clients_of(lines)["pnl"]
        # The statements of other callers may still be in the memory of the connections that are attacked
        for _ in range(8):
            client.post(f"SELECT '{SECRETS[2]}' FROM pnl LIMIT 1")
        yield Attacked(client, folder, process.pid)


def outcome(response):
    """The outcome of a request: 200, or the status and the code of its problem."""
    return 200 if response.status_code == 200 else (response.status_code, response.json()["code"])


def check_harmless(attacked, attack, expected):
    """The attack has the expected outcome, in time and without a trace, and other queries get their results meanwhile.

    Returns the number of these results.
    """
    before, statuses, used = attacked.files(), [], attacked.processor_seconds()
    is_over = threading.Event()
    other_client = threading.Thread(target=send_good_queries, args=(attacked.client.url, is_over, statuses))
    other_client.start()
    try:
        response = attack(attacked.client)
        served = len(statuses)
    finally:
        is_over.set()
        other_client.join()
    assert outcome(response) in (expected if isinstance(expected, set) else {expected}), response.text[:500]
    if response.status_code != 200:
        check_problem(response, *outcome(response))
    assert attacked.processor_seconds() - used < 6 * QUERY_SECONDS + 1
    for fragment in FORBIDDEN:
        text = response.text.lower().replace("sqlite_", "" if response.status_code == 200 else "sqlite_")
        assert fragment not in text, fragment
    assert attacked.files() == before
    assert attacked.megabytes() < MEMORY_MB
    # Another client may get 503 while an attack has used up the memory of all, but not afterwards
    assert set(statuses) <= {200, 503}
    assert attacked.client.rows("SELECT count(*) FROM pnl") == [[ROWS]]
    assert attacked.client.rows("SELECT max(n) FROM pnl WHERE n < 7") == [[6]]
    return served


def send_good_queries(url, is_over, statuses):
    """Send new queries until it is over; record the status of each, or its error."""
    with requests.Session() as session:
        session.trust_env = False
        number = 0
        while not is_over.wait(0.05):
            number += 1
            sql = f"SELECT count(*), {number}, {time.time_ns()} FROM pnl WHERE n < {number}"
            try:
                response = session.get(f"{url}/query", params={"q": sql}, timeout=60)
                assert response.status_code != 200 or response.json()["rows"][0][0] == min(number, ROWS)
                statuses.append(response.status_code)
            except (AssertionError, requests.RequestException) as error:
                statuses.append(repr(error))


# To change or write anything

WRITING = [
    "DROP TABLE pnl",
    "DELETE FROM pnl",
    "WITH x AS (SELECT 1) DELETE FROM pnl",
    "WITH x AS (SELECT 1) DELETE FROM pnl RETURNING *",
    "DELETE FROM pnl WHERE 0 RETURNING (SELECT t FROM pnl)",
    "UPDATE pnl SET t = '0'",
    "UPDATE OR REPLACE pnl SET t = t RETURNING t",
    "INSERT INTO pnl VALUES (1, 'b', 'c')",
    "INSERT INTO pnl DEFAULT VALUES RETURNING rowid",
    "INSERT INTO pnl SELECT * FROM pnl WHERE true ON CONFLICT DO NOTHING",
    "REPLACE INTO pnl VALUES (1, 'b', 'c')",
    "ALTER TABLE pnl RENAME TO other",
    "ALTER TABLE pnl ADD COLUMN other",
    "CREATE TABLE other (a)",
    "CREATE TABLE other AS SELECT * FROM pnl",
    "CREATE TEMP TABLE other (a)",
    "CREATE TEMP TABLE other AS SELECT * FROM pnl",
    "CREATE TEMP VIEW other AS SELECT 1",
    "CREATE TEMP TRIGGER other AFTER INSERT ON pnl BEGIN SELECT 1; END",
    "CREATE VIEW other AS SELECT 1",
    "CREATE VIRTUAL TABLE temp.other USING fts5(a)",
    "CREATE VIRTUAL TABLE temp.other USING fts5vocab('main', 'pnl', 'row')",
    "CREATE VIRTUAL TABLE other USING rtree(a, b, c)",
    "CREATE INDEX i ON pnl (n)",
    "ATTACH 'file:{folder}/new.sqlite?mode=rwc' AS other",
    "ATTACH '{folder}/new.sqlite' AS other",
    "ATTACH ':memory:' AS other",
    "ATTACH '' AS other",
    "ATTACH DATABASE (SELECT t FROM pnl) AS other",
    "DETACH main",
    "VACUUM",
    "VACUUM INTO '{folder}/copy.sqlite'",
    "VACUUM main INTO (SELECT '{folder}/copy.sqlite')",
    "ANALYZE",
    "ANALYZE pnl",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "BEGIN EXCLUSIVE",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE s",
    "ROLLBACK TO s",
    *(
        f"PRAGMA {text}"
        for text in (
            *("query_only = 0", "query_only", "writable_schema = 1", "journal_mode = WAL", "cache_size = -100000000"),
            *(
                "table_info('pnl')",
                "database_list",
                "function_list",
                "compile_options",
                "user_version = 7",
                "module_list",
            ),
            *(
                "hard_heap_limit = 1",
                "soft_heap_limit = 1",
                "temp_store_directory = '{folder}'",
                "mmap_size = 99999999999",
            ),
            *("trusted_schema = 1", "integrity_check", "optimize", "wal_checkpoint", "locking_mode = EXCLUSIVE"),
            *(
                "main.page_count",
                "schema_version = 3",
                "data_store_directory = '/'",
                "shrink_memory",
                "case_sensitive_like = 1",
            ),
            *("temp_store = 2", "threads = 8", "no_such_pragma"),
        )
    ),
]

# To read what is not the caller's

HIDDEN_TABLES = [
    *(
        "sqlite_master",
        "sqlite_schema",
        "sqlite_temp_master",
        "sqlite_temp_schema",
        "main.sqlite_schema",
        "temp.sqlite_master",
    ),
    *("SQLITE_MASTER", '"sqlite_master"', "[sqlite_schema]", "`sqlite_schema`", "dbstat", "dbstat('main')"),
    *(
        "pragma_database_list",
        "pragma_function_list",
        "pragma_module_list",
        "pragma_compile_options",
        "pragma_table_list",
    ),
    *("pragma_table_info('pnl')", "pragma_table_xinfo('pnl')", "pragma_index_list('pnl')", "pragma_collation_list"),
    *("pragma_pragma_list", "PRAGMA_USER_VERSION", "pragma_schema_version", "pragma_query_only"),
    *("json_each('[1]')", "json_tree('[1]')", "jsonb_each('[1]')", "jsonb_tree('[1]')", "json_each", "json_tree"),
]
MISSING_TABLES = [
    *(
        "balance_sheet",
        "main.balance_sheet",
        "temp.pnl",
        "sqlite_stmt",
        "sqlite_dbpage",
        "sqlite_dbdata",
        "sqlite_stat1",
    ),
    *("bytecode('SELECT 1')", "tables_used('SELECT 1')", "carray(0, 0)", "generate_series(1, 9)", "fts5vocab", "fts5"),
    *(
        "fts3tokenize('simple')",
        "rtree",
        "completion('S')",
        "csv",
        "zipfile('{folder}')",
        "fsdir('/')",
        "vtablog",
        "wholenumber",
    ),
    *("secrets", "memstat", "sqlite_sequence", "unionvtab", "pragma_stats", "geopoly", "sqlite_memstat", "pnl('x')"),
]
OVER = [
    "SELECT * FROM {}",
    "SELECT count(*) FROM {}",
    "SELECT 1 FROM {}",
    "SELECT 1 WHERE EXISTS (SELECT 1 FROM {})",
    "SELECT n FROM pnl WHERE n IN (SELECT count(*) FROM {})",
    "WITH x AS (SELECT count(*) AS c FROM {}) SELECT c FROM x",
    "WITH pnl AS (SELECT 1 FROM {}) SELECT count(*) FROM pnl",
    "SELECT count(*) FROM pnl, {}",
    "SELECT count(*) FROM pnl LEFT JOIN {} ON 1",
    "SELECT (SELECT count(*) FROM {}) FROM pnl",
    "SELECT 1 UNION ALL SELECT count(*) FROM {}",
]

SECRET_FUNCTIONS = [
    *("sqlite_version()", "sqlite_source_id()", "sqlite_compileoption_get(0)", "sqlite_compileoption_used('DEBUG')"),
    *("load_extension('x')", "load_extension('{folder}/secret.txt', 'x')", "fts3_tokenizer('simple')", "changes()"),
    *("total_changes()", "last_insert_rowid()", "random()", "sqlite_offset(n)", "sqlite_log(1, 'x')", "matchinfo(pnl)"),
    *(
        "fts5(1)",
        "fts5_source_id()",
        "snippet(pnl)",
        "highlight(pnl, 0, '', '')",
        "bm25(pnl)",
        "subtype(n)",
        "optimize(pnl)",
    ),
    *(
        "json('1')",
        "json_array(1)",
        "json_group_array(n)",
        "json_object('a', 1)",
        "jsonb('1')",
        "json_extract('{{}}', '$')",
    ),
    *(
        "group_concat(t)",
        "group_concat(t, t)",
        "string_agg(t, ',')",
        "concat(t, t)",
        "concat_ws(t, t, t)",
        "unistr('a')",
    ),
    *("randomblob(1000000000)", "zeroblob(1000000000)", "printf('%.*c', 1000000000, 'x')", "format('%1000000000d', 1)"),
    *("hex(t)", "hex(hex(hex(hex(t))))", "unhex('00')", "quote(t)", "char(1, 2)", "soundex(t)", "likelihood(n, 0.5)"),
    *(
        "rtreecheck('pnl')",
        "rtreenode(1, 2)",
        "geopoly_json(1)",
        "sqlite_rename_table(1,2,3,4,5,6,7)",
        "sqlite_drop_column(1,2,3)",
    ),
    *(
        "randomblob(n) OVER ()",
        "sum(randomblob(9))",
        "CURRENT_TIMESTAMP",
        "t REGEXP t",
        "t MATCH t",
        "t -> '$'",
        "t ->> '$'",
    ),
]
MISSING_FUNCTIONS = ["readfile('{folder}/secret.txt')", "writefile('{folder}/new', 'x')", "edit(t)", "eval('SELECT 1')"]
OTHER = [
    ("EXPLAIN SELECT 1", NOT_ALLOWED),
    ("EXPLAIN QUERY PLAN SELECT * FROM pnl", NOT_ALLOWED),
    ("EXPLAIN DELETE FROM pnl", NOT_ALLOWED),
    ("EXPLAIN VACUUM INTO '{folder}/copy.sqlite'", NOT_ALLOWED),
    ("SELECT 1; SELECT 2", NOT_ALLOWED),
    ("SELECT 1; DROP TABLE pnl", NOT_ALLOWED),
    ("SELECT 1;;; DELETE FROM pnl", NOT_ALLOWED),
    ("SELECT * FROM pnl; PRAGMA query_only = 0", NOT_ALLOWED),
    ("SELECT 1; ATTACH '{folder}/new.sqlite' AS other", NOT_ALLOWED),
    ("SELECT 1; not SQL", {NOT_ALLOWED, INVALID}),
    ("; DROP TABLE pnl", NOT_ALLOWED),
    ("REINDEX", {NOT_ALLOWED, INVALID}),
    ("REINDEX pnl", {NOT_ALLOWED, INVALID}),
    ("SELECT 1\0; DROP TABLE pnl", {NOT_ALLOWED, INVALID}),
    ("SELECT '\0'; DROP TABLE pnl", {NOT_ALLOWED, INVALID}),
    ("DROP\0 TABLE pnl", {NOT_ALLOWED, INVALID}),
    ("\ufeffDROP TABLE pnl", {NOT_ALLOWED, INVALID}),
    (".tables", INVALID),
    (".read {folder}/secret.txt", INVALID),
    ("ATTACH", INVALID),
    ("SELECT * FROM pnl INDEXED BY sqlite_autoindex_pnl_1", INVALID),
    ("SELECT n COLLATE nothing FROM pnl", INVALID),
    ("SELECT RAISE(ABORT, 'x')", INVALID),
    ("SELECT :folder", (400, "invalid-parameter")),
    ("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", NOT_ALLOWED),
    ("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 3", NOT_ALLOWED),
    ("WITH n(i) AS (VALUES (1) UNION SELECT i * 2 FROM n) SELECT max(i) FROM n", NOT_ALLOWED),
]
REJECTED = [
    *((sql, NOT_ALLOWED) for sql in WRITING),
    *((OVER[1].format(table), NOT_ALLOWED) for table in HIDDEN_TABLES),
    *((over.format(table), NOT_ALLOWED) for over in OVER for table in ("sqlite_schema", "pragma_database_list")),
    *((over.format("json_each('[1]')"), NOT_ALLOWED) for over in OVER),
    *((over.format(table), {NOT_ALLOWED, INVALID}) for over in OVER[:2] for table in MISSING_TABLES),
    *((f"SELECT {function} FROM pnl", {NOT_ALLOWED, INVALID}) for function in SECRET_FUNCTIONS),
    *((f"SELECT {function} FROM pnl", INVALID) for function in MISSING_FUNCTIONS),
    *OTHER,
]


def test_sql_that_does_anything_but_read_the_table_is_rejected_and_changes_nothing(attacked):
    before, errors = attacked.files(), []
    for sql, expected in REJECTED:
        sql = sql.replace("{folder}", str(attacked.folder)).replace("{{}}", "{}")
        for response in (attacked.client.post(sql), attacked.client.query(sql), attacked.client.post(sql, "arrow")):
            found = (
                response.status_code,
                json.loads(response.content).get("code") if response.status_code != 200 else None,
            )
            if found not in (expected if isinstance(expected, set) else {expected}):
                errors.append(f"{sql}: {response.status_code} {response.text[:200]}")
                continue
            check_problem(response, *found)
            errors += [
                f"{sql}: reveals {each!r}: {response.text}" for each in FORBIDDEN if each in visible_text(response, sql)
            ]
    assert not errors, "\n".join(errors)
    assert attacked.files() == before
    assert attacked.client.rows("SELECT count(*) FROM pnl") == [[ROWS]]
    assert attacked.megabytes() < MEMORY_MB


def visible_text(response, sql):
    """The title and detail of a problem, without the name of a function that the caller has sent."""
    body = json.loads(response.content)
    return f"{body['title']} {body['detail']}".lower().replace(
        sql.lower().partition("(")[0].removeprefix("select "), ""
    )


# To use up time or memory


def doubling(levels, expression="s + s"):
    """Each WITH table twice what the one before it is: "billion laughs"."""
    tables = [f"x{level} AS (SELECT {expression} AS s FROM x{level - 1})" for level in range(1, levels + 1)]
    return f"WITH x0 AS (SELECT n AS s FROM pnl), {', '.join(tables)} SELECT s FROM x{levels}"


def cross(times, columns="count(*)", more=""):
    """A join of the table with itself, this number of times."""
    return f"SELECT {columns} FROM {', '.join(f'pnl t{number}' for number in range(times))} {more}"


LONG, HALF = "a" * 60_000, "a" * 30_000 + "b"
WIDE = ", ".join(f":x || {number}" for number in range(99))
HEAVY = {
    "billion laughs": (doubling(24), {}, BUSY),
    "billion laughs, fewer": (doubling(18), {}, BUSY),
    "billion laughs by CASE": (doubling(20, "CASE WHEN s THEN s ELSE s END"), {}, BUSY),
    "billion laughs of text": (doubling(24, "s || s"), {}, {BUSY, TOO_LARGE}),
    "texts that double": (doubling(16, "replace(s, 'a', 'aa') || s"), {}, {BUSY, TOO_LARGE, INVALID}),
    "cross join, counted": (cross(6), {}, STOPPED),
    "cross join, sorted": (cross(4, "t0.t", "ORDER BY t0.t || t1.t || t2.t || t3.t"), {}, {STOPPED, BUSY, TOO_LARGE}),
    "cross join, all rows": (cross(4, "t0.n"), {}, {STOPPED, TOO_LARGE}),
    "cross join, long rows": (cross(3, ":x"), {"x": LONG}, {STOPPED, TOO_LARGE}),
    "cross join, long and wide rows": (cross(3, WIDE), {"x": LONG[:50_000]}, {STOPPED, TOO_LARGE}),
    "joins of 40 tables": (cross(40), {}, STOPPED),
    "joins of 60 tables, planned": (
        cross(60, "count(*)", "WHERE " + " AND ".join(f"t{n}.n = t{(n * 7 + 1) % 60}.n" for n in range(45))),
        {},
        {STOPPED, INVALID, 200, TOO_LARGE},
    ),
    "joins of 70 tables": (cross(70), {}, INVALID),
    "quadratic windows": (
        cross(2, "sum(t0.n) OVER (ORDER BY t0.n + t1.n ROWS BETWEEN 99999 PRECEDING AND 99999 FOLLOWING EXCLUDE TIES)"),
        {},
        STOPPED,
    ),
    "windows over long texts": (cross(3, "lag(:x || t0.n, 99) OVER ()"), {"x": LONG}, {STOPPED, BUSY, TOO_LARGE}),
    "median of all": (cross(4, "median(t0.n)"), {}, {STOPPED, BUSY}),
    "greatest of long texts": (cross(3, "max(t0.t || :x)", "GROUP BY t1.n, t2.n"), {"x": LONG}, {STOPPED, BUSY}),
    "instr over long texts": (cross(3, "sum(instr(:x || t0.n, :y))"), {"x": LONG, "y": HALF}, STOPPED),
    "instr over long texts of two bytes a letter": (
        cross(3, "sum(instr(:x, :y))", "WHERE t0.n + t1.n > -1"),
        {"x": "é" * 30_000, "y": "é" * 15_000 + "b"},
        {STOPPED, 200},
    ),
    "replace over long texts": (cross(3, "sum(length(replace(:x || t0.n, :y, '')))"), {"x": LONG, "y": HALF}, STOPPED),
    "trim by many letters": (
        cross(2, "sum(length(trim(:x || t0.n, :y)))"),
        {"x": LONG, "y": "b" * 5_300 + "a"},
        STOPPED,
    ),
    "patterns": (cross(3, "sum(:x || t0.n LIKE :y)"), {"x": LONG, "y": "%_a" * 33}, STOPPED),
    "dates of many years": (cross(3, "sum(length(timediff('9999-12-31', '0000-01-01')) + t0.n)"), {}, {STOPPED, 200}),
    "subqueries in subqueries": (
        "SELECT " + "(SELECT count(*) FROM pnl WHERE n < " * 20 + "1" + ")" * 20,
        {},
        {STOPPED, INVALID, 200, TOO_LARGE},
    ),
    "IN of joins": ("SELECT count(*) FROM pnl WHERE n NOT IN (" + cross(4, "-t0.n - 1") + ")", {}, {STOPPED, BUSY}),
    "UNION of joins": (cross(4, "t0.n") + " UNION " + cross(4, "t1.n"), {}, STOPPED),
}


@pytest.mark.parametrize("name", HEAVY)
def test_a_query_that_needs_too_much_is_stopped_and_others_get_their_results_meanwhile(attacked, name):
    sql, parameters, expected = HEAVY[name]
    format_ = "arrow" if "rows" in name or "windows" in name else "json"
    served = check_harmless(attacked, lambda client: client.post(sql, format_, **parameters), expected)
    assert served > 0 or expected != STOPPED


LONG_NAMES = "four names of 60,000 letters"
NAMES = {
    LONG_NAMES: ", ".join(f't0.n AS "{letter * 60_000}"' for letter in "abcd"),
    "an expression of 60,000 letters": "+".join(["t0.n"] * 40) + " " * 60_000 + "+ t1.n",
    "99 names of 1,000 letters": ", ".join(f't0.n AS "{number:0>1000}"' for number in range(99)),
    "99 names of 1,000 bytes, escaped in JSON": ", ".join(
        f't0.n AS "{chr(1) * 997}{number:03}"' for number in range(99)
    ),
    "the same name 99 times": ", ".join(["t0.n AS " + "x" * 990] * 99),
}


@pytest.mark.parametrize(
    ("name", "format_"), [(name, each) for name in NAMES for each in (FORMATS if name == LONG_NAMES else ["ndjson"])]
)
def test_long_names_of_columns_are_rejected_and_many_fill_no_memory(attacked, name, format_):
    expected = {TOO_LARGE} if "60,000" in name else {200, STOPPED, TOO_LARGE}
    check_harmless(attacked, lambda client: client.post(cross(3, NAMES[name], "LIMIT 80000"), format_), expected)


PARSED = {
    "a deep sum": ("SELECT " + "+".join("1" * 60_000), INVALID),
    "deep NOT": ("SELECT " + "NOT " * 5_000 + "1", INVALID),
    "deep brackets": ("SELECT " + "(" * 60_000 + "1" + ")" * 60_000, INVALID),
    "deep subqueries": ("SELECT * FROM " + "(SELECT * FROM " * 1_000 + "pnl" + ")" * 1_000, INVALID),
    "deep CASE": ("SELECT " + "CASE WHEN n THEN " * 2_000 + "1" + " END" * 2_000 + " FROM pnl", INVALID),
    "490 terms": ("SELECT 1" + " UNION ALL SELECT 1" * 489, INVALID),
    "5,000 terms": ("SELECT 1" + " UNION SELECT 1" * 4_999, INVALID),
    "300 stars": ("SELECT " + ", ".join("*" * 300) + " FROM pnl", INVALID),
    "2,000 columns": ("SELECT " + ", ".join("1" * 2_000), INVALID),
    "200 arguments": ("SELECT max(" + ", ".join("1" * 200) + ")", INVALID),
    "a long pattern": ("SELECT 'a' LIKE '" + "%a" * 200 + "'", {INVALID, TOO_LARGE}),
    "1,000 WITH tables": (
        "WITH " + ", ".join(f"x{n} AS (SELECT {n})" for n in range(1_000)) + " SELECT * FROM x999, x1",
        200,
    ),
    "a long literal": ("SELECT '" + "x" * 100_000 + "'", {TOO_LARGE, INVALID}),
    "a long name": ('SELECT 1 AS "' + "x" * 200_000 + '"', {TOO_LARGE, 200}),
    "an IN of 200,000": (f"SELECT count(*) FROM pnl WHERE n IN ({','.join(map(str, range(200_000)))})", TOO_LARGE),
    "SQL of 1 MB": ("SELECT /*" + "x" * 1_000_000 + "*/ 1", TOO_LARGE),
    "SQL of 30 MB": ("SELECT /*" + "x" * 30_000_000 + "*/ 1", TOO_LARGE),
    "6,000 parameters": ("SELECT " + "+".join(f":v{n}" for n in range(6_000)), INVALID),
    "parameter number": ("SELECT ?999999999", INVALID),
    "many bad bytes": ("\x01\x02\x7f" * 50_000, INVALID),
    "a number of 200,000 digits": ("SELECT " + "9" * 200_000, {INVALID, TOO_LARGE, 200}),
}


@pytest.mark.parametrize("name", PARSED)
def test_a_statement_that_is_too_much_is_rejected_before_it_runs(attacked, name):
    sql, expected = PARSED[name]
    check_harmless(attacked, lambda client: client.post(sql), expected)


JSON = {"Content-Type": "application/json"}
BODIES = {
    "10 MB of text": (b'{"q": "SELECT :v", "parameters": {"v": "' + b"x" * 10_000_000 + b'"}}', JSON, TOO_LARGE),
    "one long parameter": (b'{"q": "SELECT :v", "parameters": {"v": "' + b"x" * 90_000 + b'"}}', JSON, TOO_LARGE),
    "100,000 parameters": (
        json.dumps({"q": "SELECT 1", "parameters": {f"v{n}": n for n in range(60_000)}}).encode(),
        JSON,
        (400, "invalid-parameter"),
    ),
    "deep JSON": (b'{"q":' * 100_000, JSON, (400, "invalid-parameter")),
    "a number of 1 MB": (b'{"q": ' + b"9" * 1_000_000 + b"}", JSON, (400, "invalid-parameter")),
    "not UTF-8": (b'{"q": "SELECT \xff\xfe"}', JSON, (400, "invalid-parameter")),
    "200 MB of nothing, gzipped": (
        gzip.compress(b" " * 200_000_000, 9),
        JSON | {"Content-Encoding": "gzip"},
        (415, "media-type"),
    ),
    "not gzip": (b"nothing", JSON | {"Content-Encoding": "gzip"}, (415, "media-type")),
    "a form of many parts": (
        b'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\n1\r\n' * 5_000,
        {"Content-Type": "multipart/form-data; boundary=x"},
        (415, "media-type"),
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_too_much_is_rejected(attacked, name):
    body, headers, expected = BODIES[name]

    def attack(client):
        # The service may close the connection of a body that it doesn't want: it can't be used again
        client.session.close()
        response = client.request("POST", "/query", data=body, headers=headers)
        client.session.close()
        return response

    check_harmless(attacked, attack, expected)


RAW = {
    "bytes that are not UTF-8, escaped": b"GET /query?q=SELECT%20%ff%fe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "bytes that are not UTF-8": b"GET /query?q=SELECT%20'\xff\xfe' HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "bytes that are not UTF-8 in a filter": b"GET /data?filter.t=\xff%ff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a surrogate": b"GET /query?q=SELECT%20'%ed%a0%80' HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "NUL": b"GET /query?q=SELECT%201%00;DROP%20TABLE%20pnl HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "not HTTP": b"SELECT * FROM pnl;\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c403") + b"\0" * 200,
    "a header without end": b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    "two lengths": b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "length and chunks": b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\nhello",
    "an invalid chunk": b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "Expect": b"GET /data HTTP/1.1\r\nHost: localhost\r\nExpect: <b>foo</b>\r\n\r\n",
    "Expect at no route": b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nExpect: foo\r\n\r\n",
    "Expect of a body that does not come": b"POST /query HTTP/1.1\r\nHost: localhost\r\nExpect: foo\r\n"
    b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n",
    "another protocol": b"GET /data HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/2 by an upgrade": b"GET /data HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    "another encoding": b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Encoding: compress\r\nContent-Length: 2\r\n\r\n{}",
    "an encoding of the transfer": b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a chunk without end": b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 100_000,
    "a length of 10^15": b"POST /query HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
    b"Content-Length: 1000000000000000\r\n\r\n{}",
    "a range": b"GET /data?format=arrow HTTP/1.1\r\nHost: localhost\r\nRange: bytes=9-,0-1,5-5\r\n\r\n",
    "many parameters": b"GET /data?" + b"a&" * 7_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "many filters": b"GET /data?" + b"&".join([b"filter.t=1"] * 1_400) + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "many media types": b"GET /data HTTP/1.1\r\nHost: localhost\r\nAccept: " + b"a/b;q=0.1," * 1_400 + b"*/*\r\n\r\n",
    "many tags": b"GET /data HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: " + b'"a",' * 4_000 + b"\r\n\r\n",
    "requests in a row": b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1_000,
    "another host": b"GET http://example.com/query?q=DROP HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "a folder above": b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT": b"CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n",
    "lines in an id": b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\r\n Set-Cookie: b\r\n\r\n",
}


@pytest.mark.parametrize("name", RAW)
def test_invalid_http_gets_an_error_and_the_service_goes_on(attacked, name):
    try:
        status, headers, body = attacked.client.send(RAW[name])
    except (ConnectionError, BadStatusLine):
        assert len(RAW[name]) > 65536  # disconnected while it was sending, it may not get the response
    else:
        assert status == 200 or 400 <= status < 500, body[:300]
        assert "Set-Cookie" not in headers
        assert status == 200 or headers["Content-Type"] == "application/problem+json"
        assert status == 200 or "X-Request-Id" in headers
        for fragment in FORBIDDEN:
            assert fragment.encode() not in body.lower(), fragment
    attacked.client.session.close()  # the connection of an earlier request may be closed
    assert attacked.client.rows("SELECT count(*) FROM pnl") == [[ROWS]]
    assert attacked.megabytes() < MEMORY_MB
