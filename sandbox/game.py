"""A match while it is being played."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.model import Dispute, Match, MatchChange, PausedSpan


@dataclass
class Game:
    """A match while it is being played; becomes a Match at the end."""

    match_id: str
    kind: str
    mint: str | None
    entry_amount: int
    fee_bps: int
    max_players: int
    created_at: datetime
    status: str = "created"
    players: list[str] = field(default_factory=list)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    winner: str | None = None
    paused: bool = False
    remaining_ms: int = 0  # playing time left while paused
    ends_ms: int = 0
    paused_spans: list[PausedSpan] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    changes: list[MatchChange] = field(default_factory=list)

    def note(self, at: datetime) -> None:
        """Write the present state down as a change of the match's document, after the one before it."""
        if self.changes:
            at = max(at, self.changes[-1].at + timedelta(milliseconds=1))
        self.changes.append(
            MatchChange(at, self.status, self.paused, tuple(self.players), self._known_winner(), self.ended_at)
        )

    def _known_winner(self) -> str | None:
        return self.winner if self.status == "completed" else None

    def frozen(self) -> Match:
        """The finished value."""
        return Match(
            self.match_id,
            self.kind,
            self.mint,
            self.entry_amount,
            self.fee_bps,
            self.max_players,
            tuple(self.players),
            self.created_at,
            self.started_at,
            self.ended_at,
            self.status,
            self._known_winner(),
            tuple(self.paused_spans),
            tuple(self.disputes),
            tuple(self.changes),
        )
