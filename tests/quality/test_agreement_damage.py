"""Real statements with damage: nothing that is off by 1,000 is published unflagged where evidence contradicts it."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from benchmarks import trust_facts
from benchmarks.damages import damaged
from benchmarks.trust import compare

OTHER_KINDS = {"million": 1, "thousandth": 2, "sign": 1, "shifted": 1}


@pytest.fixture(scope="module")
def facts(shared_data: Path) -> pd.DataFrame:
    parts = [make(shared_data) for make in (trust_facts.services, trust_facts.sec_extract, trust_facts.nyse)]
    whole = pd.concat(parts, ignore_index=True)
    companies = sorted(whole["company_id"].unique())[::3]
    return whole[whole["company_id"].isin(companies)].reset_index(drop=True)


@pytest.mark.parametrize(("seed", "share", "mix"), [(11, 0.01, None), (12, 0.02, None), (13, 0.01, OTHER_KINDS)])
def test_damages_by_a_thousand_are_flagged_and_the_culprit_is_named_rightly(facts, seed, share, mix):
    with duckdb.connect() as connection:
        compare(connection, damaged(facts, share, seed, mix) if mix else damaged(facts, share, seed))

        def number(sql: str) -> float:
            return connection.sql(sql).fetchall()[0][0]

        assert number("SELECT count(*) FROM damages WHERE is_large AND (is_shared OR is_near)") > 200
        missed = "is_large AND (is_shared OR is_near) AND NOT is_flagged"
        assert connection.sql(f"SELECT * FROM damages WHERE {missed}").fetchall() == []
        assert number("SELECT avg(is_right::INT) FROM named") >= 0.95
        assert number("SELECT avg(is_suspect::INT) FROM undamaged") <= 0.003
