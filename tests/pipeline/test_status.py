"""What `finsync status` prints: which quarters are current, outdated or missing, why, and which command helps."""

import pytest
from local_services import answering_services


def _status(deployment, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    capsys.readouterr()
    code = deployment.finsync("status")
    return code, " ".join(capsys.readouterr().out.split())


def test_after_a_run_everything_is_current(again, capsys: pytest.CaptureFixture[str]):
    code, printed = _status(again, capsys)

    assert code == 0
    assert "pnl 2009-Q3 to 2009-Q4 (2 with rows) current" in printed
    assert "balance_sheet 2009-Q4 current" in printed
    assert f"Release {again.manifest()['release']} has every quarter of the tables." in printed
    assert "Run:" not in printed


def test_before_the_first_run_quarters_are_missing(running, capsys: pytest.CaptureFixture[str]):
    code, printed = _status(running, capsys)

    assert code == 1
    assert "pnl 2009-Q3 to 2009-Q4 (2 with rows) missing never brought in" in printed
    assert "4 quarters of sources are not current. Run: finsync run --quarters 2009-Q3...2009-Q4" in printed
    assert "There is no release yet. Run: finsync run" in printed


@pytest.mark.long
def test_rows_that_changed_at_the_source_are_named_with_their_quarter(worked, capsys: pytest.CaptureFixture[str]):
    file = worked.data / "pnl.csv"
    file.write_text(file.read_text().replace('"1,000"', '"1,001"'))
    with answering_services(worked.data) as urls:
        worked.use(urls)
        code, printed = _status(worked, capsys)
        assert (code, worked.finsync("run", "--quarters", "2009-Q3")) == (1, 0)
        after, _ = _status(worked, capsys)

    assert "pnl 2009-Q3 changed the source has other rows" in printed
    assert "1 quarters of sources are not current. Run: finsync run --quarters 2009-Q3" in printed
    assert after == 0


@pytest.mark.long
def test_another_review_is_named_with_the_command_that_applies_it(again, capsys: pytest.CaptureFixture[str]):
    header = "source,source_name,company_id,who,when,note"
    (again.folder / "review.csv").write_text(f"{header}\npnl,Acme Corporation,reject,jane,2026-01-31,\n")

    code, printed = _status(again, capsys)
    assert code == 1
    assert "pnl 2009-Q3 outdated the review decides otherwise" in printed
    assert "Run: finsync re-resolve" in printed

    assert again.finsync("re-resolve", "--accept", "rejected by hand") == 0
    assert _status(again, capsys)[0] == 0


def test_a_source_that_does_not_answer_is_compared_with_what_it_had(worked, capsys: pytest.CaptureFixture[str]):
    code, printed = _status(worked, capsys)

    assert code == 0
    assert "Source 'pnl' at http://127.0.0.1:9: the service cannot be reached" in printed
    assert "Compared with what it had when it was last asked." in printed
    assert "pnl 2009-Q3 to 2009-Q4 (2 with rows) current" in printed


def test_tables_that_are_newer_than_the_release_ask_for_one(again, capsys: pytest.CaptureFixture[str]):
    (again.published / "current").unlink()
    assert "There is no release yet" in _status(again, capsys)[1]
    assert again.finsync("release") == 0
    assert _status(again, capsys)[0] == 0
