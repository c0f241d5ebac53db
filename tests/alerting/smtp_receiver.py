"""A local mail server: takes mails over real SMTP (RFC 5321, without extensions but SIZE) and keeps them."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class Mailbox:
    """`refuse` maps a command's first word (MAIL, RCPT, DATA) to the answer it gets instead of success."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A server on a free loopback port."""
    box = Mailbox()

    class Session(socketserver.StreamRequestHandler):
        def say(self, text: str) -> None:
            self.wfile.write(text.encode() + b"\r\n")

        def handle(self) -> None:
            sender, to = "", []
            self.say("220 localhost ready")
            while line := self.rfile.readline().decode().strip():
                verb = line.split(" ")[0].upper()
                if verb in box.refuse:
                    self.say(box.refuse[verb])
                elif verb == "QUIT":
                    self.say("221 bye")
                    return
                elif verb == "EHLO":
                    self.say("250-localhost")
                    self.say("250 SIZE 1000000")
                elif verb == "DATA":
                    self.say("354 go on")
                    box.envelopes.append((sender, to))
                    box.mails.append(message_from_bytes(self.body(), policy=policy.default))
                    self.say("250 taken")
                else:
                    if verb == "MAIL":
                        sender, to = line.split("<")[1].split(">")[0], []
                    if verb == "RCPT":
                        to.append(line.split("<")[1].split(">")[0])
                    self.say("250 fine")

        def body(self) -> bytes:
            lines = []
            while (line := self.rfile.readline()) != b".\r\n":
                lines.append(line[1:] if line.startswith(b".") else line)
            return b"".join(lines)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Session) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.02})
        thread.start()
        box.port = server.server_address[1]
        try:
            yield box
        finally:
            server.shutdown()
            thread.join()
