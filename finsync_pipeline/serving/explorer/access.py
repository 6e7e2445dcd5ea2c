"""The page where a person enters the token once, after which the browser may write."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from finsync_pipeline.serving.explorer.rendering import page
from finsync_pipeline.serving.problems import RequestProblem
from finsync_pipeline.serving.write_access import SEE_OTHER, access_of, check_own_origin, form_of

router = APIRouter(include_in_schema=False)
Form = Annotated[dict[str, str], Depends(form_of)]


@router.get("/token")
def ask(request: Request) -> Response:
    """The form for the token."""
    return _page(request)


@router.post("/token")
def enter(request: Request, form: Form) -> Response:
    """Give the browser the right to write, if the token is right."""
    check_own_origin(request)
    access = access_of(request)
    if not access.is_possible:
        raise RequestProblem("read-only")
    return access.grant(request, form.get("token", "").strip(), RedirectResponse("/review", SEE_OTHER))


def _page(request: Request) -> Response:
    access = access_of(request)
    return page(request, "token.html", is_possible=access.is_possible, is_granted=access.is_granted(request))
