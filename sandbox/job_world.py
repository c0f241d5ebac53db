"""The simulated job platform: employers fund an escrow a job, workers are paid from it, arbiters rule on disputes.

Example::

    world = build_job_world(START, days=2, seed=7)
    world.transactions[3].calls[0].events
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

from sandbox import addresses as a
from sandbox import job_operations as jobs
from sandbox.book import Book
from sandbox.genesis import SOL
from sandbox.job_operations import Job
from sandbox.model import Call, World
from sandbox.operations import TOKEN_ACCOUNT_RENT
from sandbox.simulation import OPENING_LAMPORTS

JOBS_A_DAY = 45
EMPLOYERS, WORKERS = 14, 18
PAYS = {
    a.USDC_MINT: (15_000_000, 40_000_000, 120_000_001, 333_333_333),
    a.SKILL_MINT: (2_500_000_000, 7_777_777_777),
}
RULINGS = ("ForEmployer", "ForWorker", "Split")
LEANINGS = {  # weights of an arbiter's rulings; the first one leans to the employers
    jobs.ARBITERS[0]: (94, 3, 3),
    jobs.ARBITERS[1]: (45, 45, 10),
    jobs.ARBITERS[2]: (40, 45, 15),
    jobs.GUEST_ARBITER: (1, 1, 0),
}
_LABELS = {address: f"job_escrow/arbiter/{n}" for n, address in enumerate(LEANINGS, start=1)}


class JobBook(Book):
    """Books in which a deposit goes straight into an escrow, and what leaves one leaves the vault."""

    def _move(self, kind: str, match_id: str | None, mint: str, amount: int, uid: str | None) -> None:
        signed = amount if kind == "deposit" else -amount
        self.escrows[match_id or ""] += signed
        self.vaults[mint] += signed
        if min(self.escrows[match_id or ""], self.vaults[mint]) < 0:
            raise AssertionError(f"{kind} of {amount} {mint} overdraws {match_id}")


@dataclass
class _Playing:
    """A job while it goes on."""

    job: Job
    employer: str  # uid
    worker: str | None = None  # uid
    status: str = "created"  # funded | assigned | disputed | over


def build_job_world(start: datetime, days: int, seed: int) -> World:
    """Simulate the platform over [start, start + days). The same arguments give the same world, value for value."""
    book = JobBook(start, days, Random(f"job_escrow:{seed}"), jobs.VAULTS)
    book.later(30_000, lambda ms: book.submit(ms, a.FEE_PAYER, ("fee_payer", "authority"), _vaults()))
    _Jobs(book).plan()
    book.run()
    uids = [f"e{n:02d}" for n in range(1, EMPLOYERS + 1)] + [f"w{n:02d}" for n in range(1, WORKERS + 1)]
    wallets = {uid: _wallet(uid) for uid in uids}
    accounts = {a.token_account(wallet, mint): (wallet, mint) for wallet in wallets.values() for mint in a.MINTS}
    lamports = {**OPENING_LAMPORTS, jobs.VAULT_AUTHORITY: 0, a.EVENT_AUTHORITIES[jobs.PROGRAM]: 0}
    lamports |= dict.fromkeys(wallets.values(), 3 * SOL) | dict.fromkeys(accounts, TOKEN_ACCOUNT_RENT)
    lamports |= dict.fromkeys(LEANINGS, SOL)
    own = {a.TREASURY_ACCOUNTS[mint]: (a.TREASURY, mint) for mint in a.MINTS}
    own |= {jobs.VAULTS[mint]: (jobs.VAULT_AUTHORITY, mint) for mint in a.MINTS}
    return World(
        start=book.start,
        end=book.end,
        seed=seed,
        users=(),
        matches=(),
        ledger=tuple(book.ledger),
        actions=(),
        transactions=tuple(book.transactions),
        opening_tokens=dict.fromkeys(accounts, 10**13),
        token_owners={**accounts, **own},
        opening_lamports=lamports,
        program=jobs.PROGRAM,
    )


def _wallet(uid: str) -> str:
    return a.address(a.wallet_label(uid))


def _vaults() -> list[Call]:
    return [jobs.initialize(mint) for mint in a.MINTS]


class _Jobs:
    """Creates, funds, assigns, completes, cancels, disputes and rules on jobs. Times are ms since the start."""

    def __init__(self, book: JobBook) -> None:
        self.book, self.rng = book, book.rng

    def plan(self) -> None:
        """Schedule the creation of every job of the window; none in the first two hours."""
        times = sorted(
            day * 86_400_000 + self.rng.randint(7_200_000 if day == 0 else 0, 86_399_999)
            for day in range((self.book.end - self.book.start).days)
            for _ in range(JOBS_A_DAY)
        )
        for n, ms in enumerate(times, start=1):
            self.book.later(ms, self._create, n)

    def _submit(self, ms: int, signer: str, calls: Sequence[Call], entries: Sequence[tuple] = ()) -> None:
        channel = self.book.channel()
        sent = [replace(call, channel="log" if call.error else channel) for call in calls]
        self.book.submit(ms, a.FEE_PAYER, ("fee_payer", signer), sent, entries, actor=signer)

    def _create(self, ms: int, n: int) -> None:
        mint = self.rng.choices(a.MINTS, (7, 3))[0]
        uid = f"e{self.rng.randint(1, EMPLOYERS):02d}"
        job = Job(f"j{n:05d}", mint, self.rng.choice(PAYS[mint]), _wallet(uid))
        playing = _Playing(job, uid)
        if self.rng.random() < 0.3:
            self._fund(ms, playing, first=[jobs.create_escrow(job)])
            return
        self._submit(ms, a.wallet_label(uid), [jobs.create_escrow(job)])
        if self.rng.random() < 0.12:
            self.book.later(ms + self.book.span(3_600, 10_800), self._cancel, playing, {"NotFunded": {}})
        else:
            self.book.later(ms + self.book.span(30, 5_400), self._fund, playing)

    def _fund(self, ms: int, playing: _Playing, first: Sequence[Call] = ()) -> None:
        job = playing.job
        entry = ("deposit", job.job_id, job.mint, job.amount, playing.employer)
        self._submit(ms, a.wallet_label(playing.employer), [*first, jobs.fund_escrow(job)], [entry])
        playing.status = "funded"
        if self.rng.random() < 0.12:
            reason = {"NoWorker": {}} if self.rng.random() < 0.5 else {"Withdrawn": {"note": "besetzt — später"}}
            self.book.later(ms + self.book.span(1_800, 9_000), self._cancel, playing, reason)
        else:
            self.book.later(ms + self.book.span(300, 3_600), self._assign, playing)

    def _assign(self, ms: int, playing: _Playing) -> None:
        playing.worker = f"w{self.rng.randint(1, WORKERS):02d}"
        playing.job = replace(playing.job, worker=_wallet(playing.worker))
        playing.status = "assigned"
        self._submit(ms, a.wallet_label(playing.employer), [jobs.assign_worker(playing.job)])
        if self.rng.random() < 0.08:  # pressed twice: the second one logs its event and then fails
            again = replace(jobs.assign_worker(playing.job), error=jobs.ALREADY_ASSIGNED)
            self.book.later(ms + 4_000, self._submit, a.wallet_label(playing.employer), [again])
        draw, then = self.rng.random(), ms + self.book.span(1_800, 28_800)
        if draw < 0.55:
            self.book.later(then, self._complete, playing)
        elif draw < 0.63:
            self.book.later(then, self._cancel, playing, {"Withdrawn": {"note": "no longer needed"}})
        else:
            self.book.later(then, self._dispute, playing)

    def _complete(self, ms: int, playing: _Playing) -> None:
        job = playing.job
        entries = [
            ("prize_distributed", job.job_id, job.mint, job.amount - job.fee, playing.worker),
            ("fee_collected", job.job_id, job.mint, job.fee, None),
        ]
        self._submit(ms, a.wallet_label(playing.employer), [jobs.complete_job(job)], entries)
        playing.status = "over"
        for rater, rated in ((playing.employer, playing.worker), (playing.worker, playing.employer)):
            if self.rng.random() < 0.5:
                self.book.later(ms + self.book.span(60, 7_200), self._rate, job, rater, rated)

    def _rate(self, ms: int, job: Job, rater: str, rated: str) -> None:
        stars = self.rng.choices((1, 2, 3, 4, 5), (1, 1, 2, 6, 10))[0]
        self._submit(ms, a.wallet_label(rater), [jobs.rate_party(job, _wallet(rater), _wallet(rated), stars)])

    def _cancel(self, ms: int, playing: _Playing, reason: dict) -> None:
        job, funded = playing.job, playing.status != "created"
        entries = [("refund", job.job_id, job.mint, job.amount, playing.employer)] if funded else []
        self._submit(ms, a.wallet_label(playing.employer), [jobs.cancel_job(job, reason, funded)], entries)
        playing.status = "over"

    def _dispute(self, ms: int, playing: _Playing) -> None:
        uid = self.rng.choice((playing.employer, playing.worker))
        reason = self.rng.choice(({"NotDelivered": {}}, {"PoorQuality": {}}, {"Other": {"note": "déconnecté"}}))
        self._submit(ms, a.wallet_label(uid), [jobs.open_dispute(playing.job, _wallet(uid), reason)])
        playing.status = "disputed"
        self.book.later(ms + self.book.span(3_600, 28_800), self._rule, playing)

    def _rule(self, ms: int, playing: _Playing) -> None:
        arbiter = self.rng.choices(list(LEANINGS), (8, 6, 6, 2))[0]
        ruling = self.rng.choices(RULINGS, LEANINGS[arbiter])[0]
        job = playing.job
        released = {"ForEmployer": 0, "ForWorker": job.amount, "Split": job.amount // 2}[ruling]
        fee = released * jobs.FEE_BPS // 10_000
        entries = [
            ("prize_distributed", job.job_id, job.mint, released - fee, playing.worker),
            ("fee_collected", job.job_id, job.mint, fee, None),
            ("refund", job.job_id, job.mint, job.amount - released, playing.employer),
        ]
        self._submit(ms, _LABELS[arbiter], [jobs.resolve_dispute(job, arbiter, ruling)], entries)
        playing.status = "over"
