"""The rate that a channel takes: at most so many requests in any span of so many seconds."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Pace:
    """`with pace:` waits before a request that would be one too many. `now` (in seconds) and `sleep` can be given."""

    def __init__(
        self,
        requests: int,
        seconds: float,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._requests, self._seconds = requests, seconds
        self._now, self._sleep = now, sleep
        self._sent: deque[float] = deque(maxlen=requests or 1)

    def __enter__(self) -> None:
        """Returns when the next request may be sent."""
        if not self._requests or len(self._sent) < self._requests:
            return
        if (rest := self._sent[0] + self._seconds - self._now()) > 0:
            self._sleep(rest)

    def __exit__(self, *_: object) -> None:
        # A request counts from its answer on: it arrived before that, however long it was on its way.
        if self._requests:
            self._sent.append(self._now())
