"""A local HTTP server in a webhook's place: keeps what arrives and answers as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Receiver:
    """`answers` are (status, headers, body) given in turn, then 200 `ok` for all that follow."""

    url: str = ""
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    requests: list[dict] = field(default_factory=list)

    def bodies(self) -> list[dict]:
        """Bodies of the requests that were answered with 200."""
        return [request["body"] for request in self.requests if request["status"] == 200]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free loopback port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, text = receiver.answers.pop(0) if receiver.answers else (200, {}, "ok")
            receiver.requests.append(
                {"path": self.path, "type": self.headers["Content-Type"], "body": json.loads(body), "status": status}
            )
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/services/T000/B000/very-secret-part"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
