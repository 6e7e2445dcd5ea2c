"""The files of the explorer: its own in `static/`, those of libraries in `vendor/`; compressed, and kept for ever."""

import gzip
from functools import cache

from fastapi import APIRouter, Request, Response

from finsync_pipeline.serving.explorer.rendering import FOLDER, asset
from finsync_pipeline.serving.problems import RequestProblem

router = APIRouter(include_in_schema=False)
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


@router.get("/explorer/{digest}/{folder}/{name}")
def file(request: Request, digest: str, folder: str, name: str) -> Response:
    """A file by the address that `asset` gives it."""
    path = f"{folder}/{name}"
    if path not in _files() or asset(path) != request.url.path:
        raise RequestProblem("not-found")
    plain, compressed = _content(path)
    is_compressed = "gzip" in request.headers.get("accept-encoding", "")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if is_compressed:
        headers["Content-Encoding"] = "gzip"
    media_type = MEDIA_TYPES["." + name.rpartition(".")[2]]
    return Response(compressed if is_compressed else plain, media_type=media_type, headers=headers)


@cache
def _files() -> frozenset[str]:
    folders = (FOLDER / name for name in ("static", "vendor"))
    return frozenset(
        f"{folder.name}/{each.name}"
        for folder in folders
        for each in folder.iterdir()
        if each.suffix in MEDIA_TYPES and ".entry." not in each.name
    )


@cache
def _content(path: str) -> tuple[bytes, bytes]:
    plain = (FOLDER / path).read_bytes()
    return plain, gzip.compress(plain, 9, mtime=0)
