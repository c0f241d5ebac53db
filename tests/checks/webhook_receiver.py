"""A local HTTP server in a channel's place: keeps what arrives and answers as it is told."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET_PATH = "/services/T000/B000/very-secret-part"


@dataclass
class Receiver:
    """`answers` are (status, headers, body) given in turn, then `usual` for all that follow.

    `limit`: (requests, seconds); a request beyond it is answered with 429, as Discord does.
    """

    url: str = ""
    base: str = ""
    usual: tuple[int, dict[str, str], str] = (200, {}, "ok")
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    requests: list[dict] = field(default_factory=list)
    limit: tuple[int, float] | None = None
    arrivals: list[float] = field(default_factory=list)

    def bodies(self) -> list[dict]:
        """Bodies of the requests that were taken."""
        return [request["body"] for request in self.requests if 200 <= request["status"] < 300]

    def answer(self) -> tuple[int, dict[str, str], str]:
        """What the next request is told."""
        if self.limit:
            requests, seconds = self.limit
            now = time.monotonic()
            self.arrivals = [*(at for at in self.arrivals if now - at < seconds), now]
            if len(self.arrivals) > requests:
                return 429, {"Retry-After": "2"}, '{"message": "You are being rate limited.", "retry_after": 1.5}'
        return self.answers.pop(0) if self.answers else self.usual


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free loopback port."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            status, headers, text = receiver.answer()
            receiver.requests.append(
                {
                    "path": self.path,
                    "type": self.headers["Content-Type"],
                    "headers": dict(self.headers),
                    "raw": raw,
                    "body": json.loads(raw),
                    "status": status,
                }
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
    thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02})
    thread.start()
    receiver.base = f"http://127.0.0.1:{server.server_port}"
    receiver.url = receiver.base + SECRET_PATH
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
