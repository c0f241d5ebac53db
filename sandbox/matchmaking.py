"""The matches of the simulated platform, from creation to payout or refund."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox import addresses, operations
from sandbox.actors import Users
from sandbox.book import Book
from sandbox.game import Game
from sandbox.model import Dispute, PausedSpan

MATCHES_A_DAY = 40
PAID_SHARE = 0.6
ENTRIES = {
    addresses.USDC_MINT: (1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 3_333_333),
    addresses.SKILL_MINT: (4_000_000_000, 10_000_000_000, 12_345_678_901, 33_333_333_333),
}
HOUR_WEIGHTS = (2, 1, 1, 1, 1, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7, 8, 9, 9, 9, 8, 5, 3)
CLOSING_MATCHES = 5  # start in the last 40 minutes, so that escrows are open when the window ends
LATE_FROM_MS, LATE_UNTIL_MS = 36 * 3_600_000, 58 * 3_600_000  # noon of the second day, 10:00 of the third
PAYOUT_MS = 320_000  # the longest time from a match's end to its payout


class Matches:
    """Creates, fills, plays, pauses, disputes, settles and cancels matches. Times are ms since the start."""

    def __init__(self, book: Book, users: Users) -> None:
        self.book = book
        self.users = users
        self.games: dict[str, Game] = {}
        self._late = False  # whether the next match that ends after LATE_FROM_MS is paid at LATE_UNTIL_MS only
        self._held: list[Game] = []  # finished games whose payout waits to share a transaction with the next

    def plan(self) -> None:
        """Schedule the creation of every match of the window; none in the first two hours."""
        rng = self.book.rng
        times = []
        for day in range((self.book.end - self.book.start).days):
            for _ in range(MATCHES_A_DAY + rng.randint(-3, 3)):
                hour = rng.choices(range(24), HOUR_WEIGHTS)[0]
                times.append(day * 86_400_000 + max(hour, 2 if day == 0 else 0) * 3_600_000 + rng.randint(0, 3_599_999))
        times += [self.book.horizon - rng.randint(60_000, 2_400_000) for _ in range(CLOSING_MATCHES)]
        for n, ms in enumerate(sorted(times), start=1):
            self.book.later(ms, self._create, n)

    def plan_late_settlement(self) -> None:
        """Have one paid match that ends on the second day wait for its prize until the third."""
        self._late = True

    def _authority(self, ms: int, calls: list, entries: list = ()) -> int:
        return self.book.submit(ms, addresses.FEE_PAYER, ("fee_payer", "authority"), calls, entries)

    def _act(self, ms: int, name: str, game: Game, tx: int | None = None, actor: str = "authority") -> None:
        self.book.act(ms, "matches", name, actor, match_id=game.match_id, mint=game.mint, tx_index=tx)

    def _create(self, ms: int, n: int) -> None:
        rng = self.book.rng
        paid = rng.random() < PAID_SHARE
        mint = rng.choices(addresses.MINTS, (7, 3))[0] if paid else None
        game = Game(
            match_id=f"m{n:05d}",
            kind="paid" if paid else "free",
            mint=mint,
            entry_amount=rng.choice(ENTRIES[mint]) if mint else 0,
            fee_bps=rng.choices((500, 750, 1000, 0), (60, 20, 15, 5))[0] if paid else 0,
            max_players=rng.choices((2, 4, 8), (80, 15, 5))[0],
            created_at=self.book.when(ms),
        )
        self.games[game.match_id] = game
        game.note(game.created_at)
        opened = ms + self.book.span(2, 8) if paid else ms
        self.book.later(opened, self._open, game)

    def _open(self, ms: int, game: Game) -> None:
        tx = None
        if game.mint:
            call = operations.create_match(game.match_id, game.mint, game.entry_amount, game.max_players, game.fee_bps)
            tx = self._authority(ms, [replace(call, channel=self.book.channel())])
        self._act(ms + self.book.span(0, 2), "match_created", game, tx)
        popular = self.book.rng.random() < 0.93
        self.book.later(ms + self.book.span(5, 60), self._seat, game, popular)
        self.book.later(ms + 1_500_000 + self.book.span(0, 300), self._give_up, game)

    def _seat(self, ms: int, game: Game, popular: bool) -> None:
        """Find the next player; one without enough balance deposits first."""
        if game.status != "created" or len(game.players) >= game.max_players:
            return
        book = self.book
        able = [uid for uid in self.users.available(ms) if uid not in game.players]
        if able:
            uid = book.rng.choice(able)
            if game.mint and book.balances[uid, game.mint] < game.entry_amount:
                self.users.fund(ms, uid, game.mint, game.entry_amount)
                book.later(ms + book.span(15, 50), self._join, game, uid)
            else:
                self._join(ms, game, uid)
                if game.mint and len(game.players) + 1 < game.max_players and book.rng.random() < 0.3:
                    book.later(ms, self._seat, game, popular)  # two entries in one slot
        book.later(ms + (book.span(10, 120) if popular else book.span(900, 2_400)), self._seat, game, popular)

    def _join(self, ms: int, game: Game, uid: str) -> None:
        book = self.book
        if game.status == "cancelled" or uid in game.players or self.users.users[uid].frozen_at(book.when(ms)):
            return
        if game.mint:
            wallet, label = self.users.wallet(uid), addresses.wallet_label(uid)
            call = operations.join_match(game.match_id, wallet, game.mint, game.entry_amount)
            full = len(game.players) >= game.max_players
            if full or book.balances[uid, game.mint] < game.entry_amount:
                error = operations.MATCH_FULL if full else operations.INSUFFICIENT_BALANCE
                # The check comes after the event is logged, so the rolled-back event stays in the failed log.
                book.submit(ms, addresses.FEE_PAYER, ("fee_payer", label), [replace(call, error=error)])
                return
            call = replace(call, channel=book.channel())
            entry = ("entry", game.match_id, game.mint, game.entry_amount, uid)
            book.submit(ms, addresses.FEE_PAYER, ("fee_payer", label), [call], [entry], actor=uid)
        elif len(game.players) >= game.max_players:
            return
        game.players.append(uid)
        if len(game.players) == game.max_players:
            game.status, game.started_at = "active", book.when(ms + 1_200)
            self._play(ms + 1_200, game, book.span(300, 2_400))
        game.note(book.when(ms + 1_200))

    def _play(self, ms: int, game: Game, length: int) -> None:
        game.ends_ms = ms + length
        self.book.later(game.ends_ms, self._finish, game, game.ends_ms)
        if self.book.rng.random() < 0.1:
            self.book.later(ms + length * self.book.rng.randint(10, 90) // 100, self._pause, game)
        elif self.book.rng.random() < 0.03:
            self.book.later(ms + length // 2, self._stop, game)

    def _stop(self, ms: int, game: Game) -> None:
        """The operator cancels a running match."""
        if game.status == "active" and not game.paused:
            self._cancel(ms, game, {"Operator": {"note": "server fault"}})

    def _pause(self, ms: int, game: Game) -> None:
        if game.status != "active" or game.paused:
            return
        tx = None
        if game.mint:
            reason = self.book.rng.choice((None, "connection lost", "referee check — video"))
            call = operations.pause_match(game.match_id, reason, int(self.book.when(ms).timestamp()))
            tx = self._authority(ms, [replace(call, channel=self.book.channel())])
        game.paused, game.remaining_ms = True, game.ends_ms - ms
        game.paused_spans.append(PausedSpan(self.book.when(ms), None))
        self._act(ms + 900, "paused", game, tx)
        game.note(self.book.when(ms + 900))
        self.book.later(ms + self.book.span(120, 2_700), self._resume, game)

    def _resume(self, ms: int, game: Game) -> None:
        tx = None
        if game.mint:
            call = operations.resume_match(game.match_id, int(self.book.when(ms).timestamp()))
            tx = self._authority(ms, [replace(call, channel=self.book.channel())])
        game.paused = False
        game.paused_spans[-1] = replace(game.paused_spans[-1], resumed_at=self.book.when(ms))
        self._act(ms + 900, "resumed", game, tx)
        game.note(self.book.when(ms + 900))
        self._play(ms + 1_000, game, game.remaining_ms)

    def _finish(self, ms: int, game: Game, planned: int) -> None:
        if game.status != "active" or game.paused or planned != game.ends_ms:
            return  # paused meanwhile: the resumed game has its own end
        game.winner = self.book.rng.choice(game.players)
        if self.book.rng.random() < (0.08 if game.mint else 0.03):
            self._dispute(ms, game)
        else:
            self._complete(ms, game)

    def _complete(self, ms: int, game: Game) -> None:
        if ms + PAYOUT_MS > self.book.horizon:
            game.winner = None
            return  # still being played when the window ends
        game.status, game.ended_at = "completed", self.book.when(ms)
        game.note(game.ended_at)
        self._act(ms, "match_completed", game, actor="system")
        if game.mint and self._late and LATE_FROM_MS <= ms < LATE_UNTIL_MS:
            self._late = False
            self.book.later(LATE_UNTIL_MS, self._settle, game, False)
        elif game.mint:
            self.book.later(ms + self.book.span(10, 180), self._settle, game, self.book.rng.random() < 0.15)

    def _settle(self, ms: int, game: Game, hold: bool) -> None:
        if hold:
            self._held.append(game)
            self.book.later(ms + 120_000, self._settle_held)
            return
        self._pay([*self._held, game], ms)
        self._held.clear()

    def _settle_held(self, ms: int) -> None:
        if self._held:
            self._pay(list(self._held), ms)
            self._held.clear()

    def _pay(self, games: list[Game], ms: int) -> None:
        # A transaction holds 1232 bytes: two settlements fit, three do not.
        if games[2:]:
            self.book.later(ms + 500, lambda at, rest: self._pay(rest, at), games[2:])
        calls, entries = [], []
        for game in games[:2]:
            pot = self.book.escrows[game.match_id]
            fee = pot * game.fee_bps // 10_000
            winner = self.users.wallet(game.winner)
            ended = int(game.ended_at.timestamp())
            call = operations.settle_match(game.match_id, winner, game.mint, pot - fee, fee, ended)
            relayed = self.book.rng.random() < 0.12
            calls.append(replace(call, channel=self.book.channel(), via_executor=relayed))
            entries.append(("prize_distributed", game.match_id, game.mint, pot - fee, game.winner))
            entries.append(("fee_collected", game.match_id, game.mint, fee, None))
        self._authority(ms, calls, entries)

    def _give_up(self, ms: int, game: Game) -> None:
        if game.status == "created":
            self._cancel(ms, game, {"NotFilled": {}})

    def _cancel(self, ms: int, game: Game, reason: Mapping[str, Any]) -> None:
        if ms + 20_000 > self.book.horizon:
            return
        game.status, game.ended_at, game.winner = "cancelled", self.book.when(ms), None
        game.note(game.ended_at)
        self._act(ms, "match_cancelled", game)
        if game.mint:
            self.book.later(ms + self.book.span(2, 15), self._refund, game, reason)

    def _refund(self, ms: int, game: Game, reason: Mapping[str, Any]) -> None:
        wallets = [self.users.wallet(uid) for uid in game.players]
        call = operations.cancel_match(game.match_id, game.mint, game.entry_amount, wallets, reason)
        entries = [("refund", game.match_id, game.mint, game.entry_amount, uid) for uid in game.players]
        self._authority(ms, [replace(call, channel=self.book.channel())], entries)

    def _dispute(self, ms: int, game: Game) -> None:
        rng = self.book.rng
        uid = rng.choice(game.players)
        reason, words = rng.choice(
            (({"WrongScore": {}}, "wrong score"), ({"Other": {"note": "client froze — déconnecté"}}, "other"))
        )
        tx = None
        if game.mint:
            call = operations.open_dispute(game.match_id, self.users.wallet(uid), reason)
            signers = ("fee_payer", addresses.wallet_label(uid))
            tx = self.book.submit(ms, addresses.FEE_PAYER, signers, [replace(call, channel=self.book.channel())])
        game.status = "disputed"
        game.disputes.append(Dispute(f"d{game.match_id[1:]}", self.book.when(ms), uid, words, None, None))
        self._act(ms + 900, "dispute_opened", game, tx, actor=uid)
        game.note(self.book.when(ms + 900))
        self.book.later(ms + self.book.span(3_600, 129_600), self._resolve, game)

    def _resolve(self, ms: int, game: Game) -> None:
        if ms + PAYOUT_MS + 60_000 > self.book.horizon:
            return  # stays disputed
        uphold = self.book.rng.random() < 0.6
        tx = None
        if game.mint:
            outcome = {"UpholdWinner": {}} if uphold else {"Refund": {}}
            winner = self.users.wallet(game.winner) if uphold else None
            call = operations.resolve_dispute(game.match_id, outcome, winner)
            tx = self._authority(ms, [replace(call, channel=self.book.channel())])
        outcome_name = "uphold_winner" if uphold else "refund"
        game.disputes[-1] = replace(game.disputes[-1], resolved_at=self.book.when(ms), outcome=outcome_name)
        self._act(ms + 900, "dispute_resolved", game, tx)
        if uphold:
            self._complete(ms + 2_000, game)
        else:
            self._cancel(ms + 2_000, game, {"DisputeUpheld": {}})
