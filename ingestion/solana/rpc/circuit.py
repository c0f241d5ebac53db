"""A circuit breaker: a provider that keeps failing is left alone, then tried with one probe at a time.

closed --failures in a row--> open --cooling time over--> half-open: one probe --well--> closed
                               ^------------------ failed: twice as long ------'
"""

from __future__ import annotations

import time
from collections.abc import Callable

OPEN_AFTER = 5
"""Failed calls in a row that open the circuit: more than one request's attempts."""
COOLING = 10.0
"""Seconds that the first opening lasts."""
LONGEST_COOLING = 300.0
"""Seconds that no opening exceeds."""


class Circuit:
    """State of one provider. `clock` gives seconds that never go back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._cooling = COOLING
        self._open_until: float | None = None
        self._is_probing = False

    @property
    def is_closed(self) -> bool:
        """Whether calls may be made."""
        return self._open_until is None

    def succeeded(self) -> None:
        """A call was answered. Says nothing while the circuit isn't closed: that call began before it opened."""
        if self.is_closed:
            self._failures = 0

    def failed(self) -> None:
        """A call failed; the last one allowed in a row opens the circuit."""
        if self.is_closed:
            self._failures += 1
            if self._failures >= OPEN_AFTER:
                self._open(self._cooling)

    def rest(self, seconds: float) -> None:
        """Open for as long as the provider asked to be left alone."""
        if self.is_closed:
            self._open(min(seconds, LONGEST_COOLING))

    def take_probe(self) -> bool:
        """True for one caller once the cooling time is over; nobody else until `probed` tells how it went."""
        if self._open_until is None or self._is_probing or self._clock() < self._open_until:
            return False
        self._is_probing = True
        return True

    def probed(self, is_well: bool) -> None:
        """Outcome of a probe of a circuit that isn't closed: closes it, or opens it again for twice as long."""
        self._is_probing = False
        if is_well:
            self._failures, self._cooling, self._open_until = 0, COOLING, None
        else:
            self._cooling = min(2 * self._cooling, LONGEST_COOLING)
            self._open(self._cooling)

    def _open(self, seconds: float) -> None:
        self._open_until = self._clock() + seconds
