"""The glossary has each term of the documentation, and each name that the code gives to tables, states and the like."""

import re
from collections.abc import Iterable

import pytest
from doc_pages import GLOSSARY, PAGES, PRESENT_PAGES, Page
from factories import PROJECT

from finsync_pipeline import errors
from finsync_pipeline.clients.errors import SourceChanged
from finsync_pipeline.definitions import defs
from finsync_pipeline.identity.results import Method, Status
from finsync_pipeline.publishing.staleness import InputVersions, State
from finsync_pipeline.statements import tables
from finsync_pipeline.statements.reasons import REASONS

TERMS = re.findall(r"^### (.+)$", GLOSSARY.text.partition("## Names in the code")[0], re.MULTILINE)
NAMES = {name for span in GLOSSARY.code for name in span.split(", ")}


def undefined(terms: Iterable[str], defined: Iterable[str]) -> list[str]:
    """Those of the terms that are not defined, in the singular or the plural."""
    known = {term.lower() for term in defined}
    return sorted(term for term in terms if not {term.lower(), term.lower().removesuffix("s")} & known)


def test_a_term_without_a_definition_is_found():
    assert undefined(["Rejected", "facts", "quarantine zone"], ["rejected", "Fact"]) == ["quarantine zone"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_terms_in_italics_are_in_the_glossary(page: Page):
    assert undefined(page.italics, TERMS) == []


def test_each_term_is_defined_once_and_by_text():
    sections = re.split(r"^### ", GLOSSARY.text.partition("## Names in the code")[0], flags=re.MULTILINE)[1:]

    assert len({term.lower() for term in TERMS}) == len(TERMS)
    assert [term for term, text in zip(TERMS, sections, strict=True) if not re.search(r"\.$", text, re.MULTILINE)] == []


def test_each_term_is_used():
    files = [page.file for page in PRESENT_PAGES if page != GLOSSARY]
    files += [file for folder in ("finsync_pipeline", "source_services") for file in (PROJECT / folder).rglob("*.py")]
    used = re.sub(r"[\s#_-]+", " ", " ".join(file.read_text(encoding="utf-8") for file in files)).lower()

    assert [term for term in TERMS if not re.search(plural_or_not(term.lower().replace("-", " ")), used)] == []


def plural_or_not(term: str) -> str:
    """A pattern of the term in the singular or the plural."""
    return re.sub(r"y$", "(y|ies)", term)


def test_tables_are_in_the_glossary():
    declared = {each.name for each in vars(tables).values() if isinstance(each, tables.Table)}

    assert undefined(declared, NAMES) == []


def test_assets_checks_jobs_schedules_and_sensors_are_in_the_glossary():
    repository, graph = defs().get_repository_def(), defs().resolve_asset_graph()
    named = {key.path[-1] for key in graph.get_all_asset_keys()}
    named |= {check.name for check in graph.asset_check_keys}
    named |= {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")}
    named |= {each.name for each in (*repository.schedule_defs, *repository.sensor_defs)}

    assert sorted(named - NAMES) == []


def test_states_statuses_methods_outcomes_stages_and_errors_are_in_the_glossary():
    named = {*map(str, State), *map(str, Status), *map(str, Method)}
    named |= {name for reason in REASONS.values() for name in (reason.outcome, reason.stage)} | {
        *InputVersions.__dataclass_fields__
    }
    kinds = [errors.FinSyncError, *errors.FinSyncError.__subclasses__(), *errors.SourceError.__subclasses__()]
    named |= {kind.__name__ for kind in kinds if kind.__module__ == errors.__name__} | {SourceChanged.__name__}

    assert sorted(named - NAMES) == []
