"""One route that responds with the same bytes, in a framework: `python -m benchmarks.api.framework_process NAME PORT`.

aiohttp runs on its own server, as the source services do. FastAPI runs as the API does, in a thread behind uvicorn with
h11, and as fast as it can: in the event loop, behind httptools. All take one checked parameter of the address.
"""

import sys

BODY = b'{"columns":["company_id","revenue"],"rows":[["A",1.5],["B",2.5]],"row_count":2}'
MEDIA_TYPE = "application/json"


def fastapi(port: int, is_fast: bool = False) -> None:
    """FastAPI, with the parameter declared."""
    import uvicorn
    from fastapi import FastAPI, Response

    app = FastAPI()

    def rows(limit: int = 100) -> Response:
        return Response(BODY, media_type=MEDIA_TYPE, headers={"X-Limit": str(limit)})

    async def rows_in_loop(limit: int = 100) -> Response:
        return rows(limit)

    app.get("/")(rows_in_loop if is_fast else rows)
    http = "httptools" if is_fast else "h11"
    uvicorn.run(app, port=port, http=http, log_level="error", access_log=False, server_header=False)


def fast_fastapi(port: int) -> None:
    """The same as fast as it can."""
    fastapi(port, is_fast=True)


def aiohttp(port: int) -> None:
    """Aiohttp, with the parameter read by hand."""
    from aiohttp import web

    async def rows(request: web.Request) -> web.Response:
        limit = int(request.query.get("limit", "100"))
        return web.Response(body=BODY, content_type=MEDIA_TYPE, headers={"X-Limit": str(limit)})

    app = web.Application()
    app.router.add_get("/", rows)
    web.run_app(app, host="127.0.0.1", port=port, print=lambda *_: None, access_log=None)


if __name__ == "__main__":
    {"fastapi": fastapi, "fast_fastapi": fast_fastapi, "aiohttp": aiohttp}[sys.argv[1]](int(sys.argv[2]))
