"""The review queue: names to decide, candidates side by side, and decisions written into the review file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from finsync_pipeline import frames
from finsync_pipeline.errors import ConfigurationError, DataError, FinSyncError
from finsync_pipeline.federation.deployment import Deployment
from finsync_pipeline.federation.live import decider_of
from finsync_pipeline.identity import Decider
from finsync_pipeline.identity.review import REJECT, ReviewLine, supporting_key
from finsync_pipeline.serving import review_queue
from finsync_pipeline.serving.companies import company_of
from finsync_pipeline.serving.explorer.rendering import page
from finsync_pipeline.serving.explorer.view_state import View, ViewState
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.serving.responses import context_of
from finsync_pipeline.serving.review_file import (
    DecidedMeanwhile,
    ReviewFile,
    ReviewVersion,
    as_written,
    described,
)
from finsync_pipeline.serving.review_queue import Question, Queue
from finsync_pipeline.serving.routes.companies import current_release
from finsync_pipeline.serving.write_access import SEE_OTHER, access_of, form_of

router = APIRouter(include_in_schema=False)
Form = Annotated[dict[str, str], Depends(form_of)]
SHOWN = 50
MOST = {"who": 100, "note": 500, "company_id": 100, "source_name": 10_000, "supporting_columns": 20_000}
"""Characters of a field."""


@dataclass(frozen=True)
class Reviewed:
    """What the pages are made of: the deployment, what decides by now, the review file and the queue."""

    deployment: Deployment
    decider: Decider
    file: ReviewFile
    queue: Queue


@router.get("/review")
def show_queue(request: Request, state: View) -> Response:
    """Names to decide, those with the most rows first; and those that are decided and wait for re-resolution."""
    reviewed = _reviewed(request)
    text, source = state.get("q").strip().casefold()[:200], state.get("source")
    questions = [
        each for each in reviewed.queue.open if source in ("", each.source) and text in each.source_name.casefold()
    ]
    first = _place(state)
    return page(
        request,
        "review.html",
        state=state,
        queue=reviewed.queue,
        questions=questions[first : first + SHOWN],
        count=len(questions),
        rows=sum(each.row_count for each in questions),
        first=first,
        most=SHOWN,
        sources=sorted(reviewed.deployment.mappings),
        described=described,
        address=_address,
        **_writing(request, reviewed),
    )


@router.get("/review/name")
def show_name(request: Request, state: View) -> Response:
    """One name: its candidates side by side, and what a decision would change before it is written."""
    reviewed = _reviewed(request)
    question = _question(reviewed.queue, dict(state.parameters))
    release = current_release(context_of(request))
    more, unknown = state.get("more").strip(), None
    if more and company_of(more, reviewed.decider.reference) is None:
        unknown = more
    entry = review_queue.entry_of(question, reviewed.deployment, reviewed.decider, release, [more] if more else [])
    line, changes, mistake = None, [], ""
    if state.get("company_id"):
        try:
            line = _line(dict(state.parameters), reviewed)
            stored = review_queue.stored_decisions(reviewed.deployment)
            changes = review_queue.changes_of(line, stored, reviewed.decider)
        except RequestProblem as problem:
            mistake = f"{problem.what}: {problem.fix}"
    return page(
        request,
        "review_name.html",
        state=state,
        entry=entry,
        question=question,
        unknown=unknown,
        line=line,
        as_written=as_written(line) if line else "",
        changes=changes,
        mistake=mistake,
        based_on=str(reviewed.file.version(question.source_name)),
        described=described,
        is_same=review_queue.is_same,
        reject=REJECT,
        most=MOST,
        release=release,
        **_writing(request, reviewed),
    )


@router.post("/review/decisions")
def decide(request: Request, form: Form) -> Response:
    """Write a decision into the review file, unless somebody else has decided the same name since."""
    access_of(request).check(request)
    reviewed = _reviewed(request)
    line = _line(form, reviewed)
    if not reviewed.file.is_writable:
        raise RequestProblem("read-only", "the review file cannot be written by this server", _by_hand(line))
    try:
        reviewed.file.add(line, ReviewVersion.parse(form.get("version", "")))
    except DecidedMeanwhile as error:
        raise RequestProblem("decided-meanwhile", error.what, error.fix) from None
    except (ConfigurationError, DataError) as error:
        raise _unusable(error, reviewed.file) from error
    state = ViewState(request)
    return RedirectResponse(state.link("/review", decided=line.source_name, who=line.who), SEE_OTHER)


def _reviewed(request: Request) -> Reviewed:
    """Raises RequestProblem if the list or the review has a mistake, which it names."""
    deployment = review_queue.usable(context_of(request).deployment())
    try:
        decider = decider_of(deployment)
    except ConfigurationError as error:
        raise RequestProblem("not-usable", _without_folders(error), error.fix) from error
    # By the place that is set, also where the file does not exist yet
    file = review_queue.review_file(context_of(request).deployment(), decider)
    queue = review_queue.queue_of(review_queue.stored_decisions(deployment), decider)
    return Reviewed(deployment, decider, file, queue)


def _writing(request: Request, reviewed: Reviewed) -> dict[str, Any]:
    """Whether and how this page can write."""
    access = access_of(request)
    return {
        "file": reviewed.file.path.name,
        "folder": reviewed.file.path.parent.name,
        "is_there": reviewed.file.path.exists(),
        "is_writable": reviewed.file.is_writable,
        "is_possible": access.is_possible,
        "is_granted": access.is_granted(request),
        "limits": MOST,
    }


def _question(queue: Queue, given: Mapping[str, str]) -> Question:
    supporting = given.get("supporting_columns") or None
    found = review_queue.find_question(queue, given.get("source", ""), given.get("source_name", ""), supporting)
    if found is None:
        what = f"{given.get('source_name', '')[:100]!r} is not in the review queue"
        raise RequestProblem("not-found", what, "it was decided, or no row has this name: see the queue at /review")
    return found


def _address(state: ViewState, question: Question) -> str:
    """The page of a name."""
    asked = {name: getattr(question, name) for name in ("source", "source_name", "supporting_columns")}
    return state.link("/review/name", **asked, who=state.get("who"))


def _line(given: Mapping[str, str], reviewed: Reviewed) -> ReviewLine:
    """The line of the review that the fields describe. Raises RequestProblem for a field that is not valid."""
    fields = {name: _text(name, given.get(name, "")) for name in MOST}
    if fields["source_name"] == "":
        raise RequestProblem("invalid-parameter", "source_name: it is blank", "choose a name of the queue")
    if not fields["who"]:
        raise RequestProblem("invalid-parameter", "who: it is blank", "enter who decides")
    company_id, source = fields["company_id"], given.get("source", "")
    if company_id != REJECT and company_of(company_id, reviewed.decider.reference) is None:
        fix = f"choose a company of the list, or {REJECT}"
        raise RequestProblem("invalid-parameter", f"company_id: {company_id!r} is not in the list of companies", fix)
    if source not in reviewed.deployment.mappings:
        raise RequestProblem("invalid-parameter", f"source: {source[:40]!r} is not a source", "choose one of the queue")
    try:
        supporting = supporting_key(fields["supporting_columns"]) if fields["supporting_columns"] else None
    except ValueError:
        raise RequestProblem("invalid-parameter", "supporting_columns: it is not JSON", "leave it as it was") from None
    first, last = (_day(name, given.get(name, "")) for name in ("valid_from", "valid_to"))
    if first and last and first > last:
        raise RequestProblem("invalid-parameter", "valid_from: it is after valid_to", "exchange or correct them")
    return ReviewLine(
        None if given.get("scope") == "all" else source,
        fields["source_name"],
        None if given.get("whatever") == "1" else supporting,
        company_id,
        first,
        last,
        fields["who"],
        datetime.now(UTC).date(),
        fields["note"] or None,
    )


def _text(name: str, given: str) -> str:
    """The text of a field as the review file has it. Raises RequestProblem."""
    text = frames.plain(given)
    if len(text) > MOST[name]:
        raise RequestProblem("invalid-parameter", f"{name}: it is longer than {MOST[name]:,} characters", "shorten it")
    if any(character < " " or character in "\x7f\x85\u2028\u2029" for character in text):
        raise RequestProblem("invalid-parameter", f"{name}: it has a line break or control character", "remove it")
    return text


def _day(name: str, text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        fix = "write it as 2009-12-31, or leave it blank"
        raise RequestProblem("invalid-parameter", f"{name}: {text[:40]!r} is not a day", fix) from None


def _place(state: ViewState) -> int:
    text = state.get("after")
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else 0


def _by_hand(line: ReviewLine) -> str:
    return f"add this line to the review file, then run finsync re-resolve: {as_written(line)}"


def _unusable(error: FinSyncError, file: ReviewFile) -> RequestProblem:
    return RequestProblem(
        "not-usable", f"{_without_folders(error)}; nothing was written to {file.path.name}", error.fix
    )


def _without_folders(error: FinSyncError) -> str:
    """The error with the name of its file, but not where that lies."""
    place = str(error.where or "").rpartition("/")[2]
    return f"{place}: {error.what}" if place else error.what
