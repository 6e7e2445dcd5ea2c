"""What changed since the release before, and how fresh the quarters are, by what two releases hold."""

from serving.conftest import check_problem, queried, serving


def test_what_changed_since_the_release_before_is_counted_and_the_largest_is_named(worked):
    with (worked.folder / "review.csv").open("w") as file:
        file.write("source,source_name,company_id,who,when\npnl,Acme Corporation,reject,jane,2026-01-31\n")
    read = queried(worked.home, worked.folder / "companies.csv")
    with serving(lambda: read) as client:
        first = client.json("/freshness")["sources"]["pnl"]
        assert {(row["state"], row["command"]) for row in first} == {
            ("outdated", "finsync re-resolve"),
            ("current", None),
        }
        check_problem(client.get("/changes"), 404, "not-found")
        assert worked.finsync("re-resolve", "--accept", "rejected by hand") == 0
        found = client.json("/changes")
        assert {(row["source"], row["item"], row["change"]) for row in found["rows"]} >= {("pnl", "revenue", "lost")}
        assert any("pnl has no facts any more for 2009-Q3" in sentence for sentence in found["losses"])
        assert found["largest"] == []
        csv = client.get("/changes", params={"format": "csv"}).text
        assert csv.splitlines()[0] == "source,item,change,facts"
        page = client.get("//quality/changes", headers={"Accept": "text/html"}).text
        assert f"Since {found['before']}" in page
        assert "no facts any more for 2009-Q3" in page
