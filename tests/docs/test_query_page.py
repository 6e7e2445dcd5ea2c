"""The page on queries lists the views and their columns as they are."""

import re

from factories import PROJECT

from finsync_pipeline.cli.answer_output import SQL_TYPES
from finsync_pipeline.federation.schema import STATEMENTS, VIEWS
from finsync_pipeline.settings import SETTINGS
from finsync_pipeline.statements.items import ITEMS

PAGE = (PROJECT / "docs/query.md").read_text(encoding="utf-8")


def _names(text: str) -> list[str]:
    return re.findall(r"`(\w+)`", text)


def test_each_view_has_its_line_with_what_a_row_is_and_the_keys():
    for view in VIEWS.values():
        _, name, description, keys, _ = next(
            line for line in PAGE.splitlines() if line.startswith(f"| `{view.name}` |")
        ).split("|")
        assert (_names(name), description.strip().lower(), _names(keys)) == (
            [view.name], view.description.lower(), [*view.keys],
        )  # fmt: skip


def test_each_column_that_is_no_item_has_its_line_with_type_views_and_content():
    lines = {}
    for view in VIEWS.values():
        for field in view.fields:
            if field.name not in ITEMS and field.name.removesuffix("_sources") not in ITEMS:
                content = field.description.replace("|", "\\|")
                lines.setdefault((field.name, SQL_TYPES[field.type], content), []).append(view.name)

    rows = PAGE.partition("| column | type |")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows == [
        f"| `{name}` | {kind} | {', '.join(views)} | {content} |" for (name, kind, content), views in lines.items()
    ]


def test_each_item_is_listed_under_the_view_of_its_statement():
    for view in STATEMENTS:
        listed = _names(PAGE.partition(f"- `{view}`: ")[2].partition("\n- ")[0].partition("\n\n")[0])
        assert listed == VIEWS[view].items


def test_each_limit_of_queries_is_on_the_page():
    assert [name for name in SETTINGS if name.startswith("FINSYNC_QUERY_") and f"`{name}`" not in PAGE] == []
