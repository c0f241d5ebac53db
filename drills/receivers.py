"""Local HTTP servers in the channels' places: each keeps what arrives and answers as the service would, or with 503."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWERS = {"pager": (202, '{"status": "success", "message": "Event processed"}')}
"""A channel's usual answer; the others say 200 ok."""


@dataclass(frozen=True)
class Receipt:
    """One request: which channel, when, the body as text, and what it was told."""

    channel: str
    at: datetime
    text: str
    status: int


@dataclass
class Receivers:
    """All receivers behind one address; a channel's path begins with its name."""

    base: str
    refusing: frozenset[str] = frozenset()
    receipts: list[Receipt] = field(default_factory=list)

    def take(self, channel: str, text: str) -> tuple[int, str]:
        """Keep a request; its answer."""
        status, answer = (503, "down") if channel in self.refusing else ANSWERS.get(channel, (200, "ok"))
        self.receipts.append(Receipt(channel, datetime.now(UTC), text, status))
        return status, answer

    def taken(self, channel: str) -> list[dict]:
        """Bodies that the channel accepted, in the order they came."""
        return [json.loads(item.text) for item in self.receipts if item.channel == channel and item.status < 300]


@contextmanager
def receiving() -> Iterator[Receivers]:
    """Receivers on a free loopback port."""
    receivers = Receivers("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, answer = receivers.take(self.path.split("/")[1], text)
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    receivers.base = f"http://127.0.0.1:{server.server_port}"
    try:
        yield receivers
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
