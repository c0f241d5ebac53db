"""An application whose endpoints can end their connection in the middle, as a provider in trouble does.

ASGI has no message for that. So the application keeps a way to the server's transport in each request's scope.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

TRANSPORT = "sandbox.transport"


class BreakableApp(Starlette):
    """A Starlette application whose requests know uvicorn's transport."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


class BrokenResponse(Response):
    """Sends the first `sent` bytes of a body whose whole length it has announced, then ends the connection.

    With `sent` None the connection ends before any byte. Raises RuntimeError outside a BreakableApp under uvicorn.
    """

    def __init__(self, body: bytes = b"", sent: int | None = None) -> None:
        super().__init__(body, media_type="application/json")
        self._sent = sent

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope.get(TRANSPORT)
        if transport is None:
            raise RuntimeError("a broken response needs a BreakableApp under uvicorn")
        if self._sent is None:
            transport.abort()
        else:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            part = bytes(self.body)[: self._sent]
            await send({"type": "http.response.body", "body": part, "more_body": True})
            transport.close()
        await until_disconnected(receive)


async def until_disconnected(receive: Receive) -> None:
    """Wait until the client is gone; a server that sees that before the endpoint ends has nothing to complain of."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def client_left(request: Request) -> None:
    """Wait until the client of a request whose body was read is gone."""
    await until_disconnected(request.receive)
