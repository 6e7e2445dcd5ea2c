"""The plain way to serve a table, as most small services do it: `python original.py DATABASE PORT`, with Flask."""

import sqlite3
import sys

from flask import Flask, Response, jsonify, request

app = Flask(__name__)


@app.get("/query")
def query() -> Response:
    """All rows of any SQL, as one JSON list of objects."""
    database = sqlite3.connect(app.config["DATABASE"])
    database.row_factory = sqlite3.Row
    rows = database.execute(request.args["q"]).fetchall()
    database.close()
    return jsonify([dict(row) for row in rows])


if __name__ == "__main__":
    app.config["DATABASE"] = sys.argv[1]
    app.run(host="127.0.0.1", port=int(sys.argv[2]))
