"""Lints the project's SQL: `python dbt_project/lint.py [PATH ...]`, models and tests by default.

sqlfluff's dbt templater lists the warehouse's tables before it compiles anything, and would try for ten minutes where
nothing answers. Compiling needs none of them (see `lint` in profiles.yml), so a server that knows no table is enough.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PROJECT = Path(__file__).parent
PATHS = ("models", "tests")


class NoSuchTable(BaseHTTPRequestHandler):
    """Answers every request with 404, as BigQuery does for a dataset that doesn't exist."""

    def do_GET(self) -> None:
        body = b'{"error": {"code": 404, "message": "Not found", "status": "NOT_FOUND"}}'
        self.send_response(404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        """Requests are of no interest."""


def main(paths: list[str]) -> int:
    """Run sqlfluff over the paths from the project's root; returns its exit code."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), NoSuchTable)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    command = [str(Path(sys.executable).parent / "sqlfluff"), "lint", "--disable-progress-bar", *paths]
    environment = os.environ | {"BQ_EMULATOR_URL": f"http://127.0.0.1:{server.server_port}"}
    return subprocess.run(command, env=environment, cwd=PROJECT.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [f"{PROJECT.name}/{path}" for path in PATHS]))
