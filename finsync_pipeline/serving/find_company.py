"""Which company of a release is meant by an id, a name, a ticker or a code."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa

from finsync_pipeline.identity import Reference, resolve
from finsync_pipeline.identity.results import Method, Status
from finsync_pipeline.serving.errors import NotInRelease
from finsync_pipeline.serving.release_tables import ReleaseTables


@dataclass(frozen=True)
class FoundCompany:
    """The company that is meant, by which method it was found (`id`, or a Method), and what was ignored."""

    company_id: str
    method: str
    steps: str | None = None


def find_company(release: Path, text: str, read_list: Callable[[], Reference], day: date) -> FoundCompany:
    """The company that the text means on the day: its id in the release, or what the list of companies is certain of.

    `read_list` gives that list, and is asked only if the text is not an id.
    Raises NotInRelease for a text that means none or several, or is only similar to a name, with those to choose from.
    """
    with ReleaseTables(release) as tables:
        if tables.rows("company_summary", company_id=text):
            return FoundCompany(text, "id")
    reference = read_list()
    asked = pd.DataFrame({"source_name": [text], "supporting_columns": [None], "period_end": [day]})
    asked["period_end"] = asked["period_end"].astype(pd.ArrowDtype(pa.date32()))
    found = resolve(asked, reference).iloc[0]
    method = "" if pd.isna(found["method"]) else str(found["method"])
    if found["status"] == Status.ACCEPTED and Method(method.partition("+")[0]).is_certain:
        steps = None if pd.isna(found["steps"]) else str(found["steps"])
        return FoundCompany(str(found["company_id"]), method, steps)
    names = dict(zip(reference.companies["company_id"], reference.companies["name"], strict=True))
    similar = [found[name] for name in ("company_id", "suggestion", "runner_up") if not pd.isna(found[name])]
    listed = " or ".join(f"{company_id} ({names.get(company_id)})" for company_id in dict.fromkeys(similar))
    fix = f"Name it by its id: {listed}" if listed else "Name it by its id in the list of companies"
    raise NotInRelease(f"it is not certain which company {text!r} means", fix)
