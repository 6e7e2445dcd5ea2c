"""The state of a view: all of it is in the address, so each view can be linked and reloaded."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Depends, Request

from finsync_pipeline.serving.explorer.numbers import Numbers, Scale, locale_of

KEPT = ("release", "scale", "lang")
"""Parameters that every link within the explorer keeps."""


class ViewState:
    """The parameters of an address, and addresses that differ from it."""

    def __init__(self, request: Request) -> None:
        self.path = quote(request.scope["path"])
        self.parameters = [pair for pair in request.query_params.multi_items() if pair[1] != ""]
        header = request.headers.get("accept-language", "")
        self.release = request.query_params.get("release") or "current"
        scale = request.query_params.get("scale")
        known: Scale = scale if scale in ("full", "thousands", "millions", "billions") else "auto"  # type: ignore[assignment]
        self.numbers = Numbers(known, locale_of(header, request.query_params.get("lang")))

    def get(self, name: str, default: str = "") -> str:
        """The value of a parameter; the last one if there are several."""
        return dict(self.parameters).get(name, default)

    def all(self, name: str) -> list[str]:
        """All values of a parameter."""
        return [value for key, value in self.parameters if key == name]

    def link(self, path: str, **parameters: Any) -> str:
        """An address of the explorer, with what every link keeps and these parameters."""
        kept = {key: value for key, value in self.parameters if key in KEPT}
        return address(path, {**kept, **parameters})

    def here(self, **changes: Any) -> str:
        """This address with changed parameters; None removes one."""
        remaining = [pair for pair in self.parameters if pair[0] not in changes]
        added = [(key, each) for key, value in changes.items() for each in _values(value)]
        return f"{self.path}?{urlencode([*remaining, *added])}" if remaining or added else self.path


View = Annotated[ViewState, Depends(ViewState)]


def address(path: str, parameters: Mapping[str, Any]) -> str:
    """The path with these parameters; those without a value are left out."""
    pairs = [(key, each) for key, value in parameters.items() for each in _values(value)]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def _values(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
