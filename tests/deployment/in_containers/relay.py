"""Stands before the real service in its own container, and spoils the answers as the file `fault` beside this says."""

import http.client
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FAULT = Path(__file__).with_name("fault")
REAL_PORT = 6001


class Relay(BaseHTTPRequestHandler):
    """Passes requests on; answers come back whole, as half a body, or as an error 500."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        real = http.client.HTTPConnection("127.0.0.1", REAL_PORT)
        real.request(self.command, self.path, body, dict(self.headers))
        answer = real.getresponse()
        content = answer.read()
        fault = FAULT.read_text(encoding="utf-8") if self.path not in ("/ready", "/health") else ""
        if fault == "500":
            answer.status, content = 500, b"{}"
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "half a body" else content)
        self.close_connection = True

    do_POST = do_GET  # noqa: N815


if __name__ == "__main__":
    real_service = [
        sys.executable,
        "-m",
        "source_services",
        *sys.argv[2:],
        "--host",
        "127.0.0.1",
        "--port",
        str(REAL_PORT),
    ]
    with subprocess.Popen(real_service):
        ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Relay).serve_forever()
