"""The users of the simulated platform: sign-up, KYC, freezes, deposits and withdrawals."""

from __future__ import annotations

from dataclasses import replace

from sandbox import addresses, operations
from sandbox.book import Book
from sandbox.model import FrozenSpan, KycChange, User

FIRST = ("Ardena", "Belcor", "Cashel", "Dovrin", "Elowyn", "Farrah", "Gethin", "Hestia", "Ilario", "Jorvan")
LAST = ("Quillmark", "Ravenport", "Sandoval-Ek", "Tervainen", "Umberlake", "Vasquezel", "Wyndhollow")
USERS = 60
FOUNDERS = 40  # of them sign up in the first hour and a half
OPENING = {addresses.USDC_MINT: 40_000_000_000, addresses.SKILL_MINT: 25_000_000_000_000}
WHALE = "u0007"  # one deposit of more than 2**53 base units, which no float carries
WHALE_DEPOSIT = 9_007_199_254_740_993
SPIKE = (44 * 3_600_000 + 300_000, 15, 50_000_000)  # when (20:05 of the second day), how many, base units of USDC each
WITHDRAWAL_LIMIT = {addresses.USDC_MINT: 2_000_000_000, addresses.SKILL_MINT: 900_000_000_000}  # per call, tier 1


class Users:
    """Signs users up and lets them move money in and out. All times are milliseconds since the start."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.users: dict[str, User] = {}
        self._active: list[str] = []  # signed-up uids; frozen ones are skipped when asked

    def plan(self) -> None:
        """Schedule every sign-up of the window."""
        rng = self.book.rng
        for n in range(1, USERS + 1):
            ms = rng.randint(120_000, 5_400_000) if n <= FOUNDERS else rng.randint(5_400_000, self.book.horizon)
            self.book.later(ms, self._sign_up, n)

    def plan_spike(self) -> None:
        """Schedule a spike: one user moves money in and straight out again, every two minutes of an evening."""
        start, times, amount = SPIKE
        for n in range(times):
            self.book.later(start + n * 120_000, self.deposit, WHALE, addresses.USDC_MINT, amount)
            self.book.later(start + n * 120_000 + 60_000, self._withdraw_all_the_same, WHALE, amount)

    def available(self, ms: int) -> list[str]:
        """Uids of users who may play now."""
        at = self.book.when(ms)
        return [uid for uid in self._active if not self.users[uid].frozen_at(at)]

    def wallet(self, uid: str) -> str:
        """A user's wallet address."""
        return self.users[uid].wallet

    def _sign_up(self, ms: int, n: int) -> None:
        uid = f"u{n:04d}"
        first, last = FIRST[n % len(FIRST)], LAST[(n // len(FIRST)) % len(LAST)]
        wallet = addresses.address(addresses.wallet_label(uid))
        self.users[uid] = User(
            uid=uid,
            wallet=wallet,
            email=f"{first}.{last}.{n}@example.org".lower(),
            phone=f"+1555{2_010_000 + n * 137:07d}",
            display_name=f"{first} {last}",
            ip=f"203.0.113.{n}" if n % 3 else f"2001:db8:7::{n:x}:{n * 91:x}",
            created_at=self.book.when(ms),
            kyc_changes=(),
            frozen_spans=(),
        )
        self._active.append(uid)
        for mint in addresses.MINTS:
            self.book.wallets[addresses.token_account(wallet, mint)] = OPENING[mint] * (1_000 if uid == WHALE else 1)
        later, span = self.book.later, self.book.span
        for tier, chance in ((1, 0.9), (2, 0.5), (3, 0.15)):
            if self.book.rng.random() > chance:
                break
            later(ms + tier * span(1_200, 14_400), self._verify, uid, tier)
        later(ms + span(60, 1_800), self._deposit_now_and_then, uid)
        later(ms + span(10_800, 43_200), self._withdraw_now_and_then, uid)
        if uid == WHALE:
            later(ms + span(7_200, 10_800), self.deposit, uid, addresses.SKILL_MINT, WHALE_DEPOSIT)
        if n % 9 == 5:
            later(ms + span(28_800, 120_000), self._freeze, uid)

    def _verify(self, ms: int, uid: str, tier: int) -> None:
        user, at = self.users[uid], self.book.when(ms)
        old = user.kyc_tier_at(at)
        if tier != old + 1:  # an earlier step has not happened yet
            return
        self.users[uid] = replace(user, kyc_changes=(*user.kyc_changes, KycChange(at, old, tier)))
        self.book.act(ms, "accounts", "kyc_changed", "compliance", uid=uid)

    def _freeze(self, ms: int, uid: str) -> None:
        user, at = self.users[uid], self.book.when(ms)
        self.users[uid] = replace(user, frozen_spans=(*user.frozen_spans, FrozenSpan(at, None, "review")))
        self.book.act(ms, "accounts", "user_frozen", "compliance", uid=uid)
        if self.book.rng.random() < 0.6:
            self.book.later(ms + self.book.span(7_200, 50_000), self._unfreeze, uid)

    def _unfreeze(self, ms: int, uid: str) -> None:
        user = self.users[uid]
        span = replace(user.frozen_spans[-1], unfrozen_at=self.book.when(ms))
        self.users[uid] = replace(user, frozen_spans=(*user.frozen_spans[:-1], span))
        self.book.act(ms, "accounts", "user_unfrozen", "compliance", uid=uid)

    def deposit(self, ms: int, uid: str, mint: str, amount: int, times: int = 1) -> None:
        """Deposit `amount`, `times` times in one transaction; nothing where the user is frozen or short of tokens."""
        book, wallet = self.book, self.wallet(uid)
        source = addresses.token_account(wallet, mint)
        if self.users[uid].frozen_at(book.when(ms)) or book.wallets[source] < amount * times:
            return
        channel = book.channel()
        calls = []
        for n in range(times):
            opens = n == 0 and not any(e.uid == uid and e.mint == mint for e in book.ledger)
            calls.append(replace(operations.deposit(wallet, mint, amount, opens), channel=channel))
        if book.rng.random() < 0.02:
            calls.append(operations.lookalike(calls[0].events[0]))
        book.wallets[source] -= amount * times
        label = addresses.wallet_label(uid)
        book.submit(ms, wallet, (label,), calls, [("deposit", None, mint, amount, uid)] * times, actor=uid)

    def fund(self, ms: int, uid: str, mint: str, needed: int) -> None:
        """Deposit enough for an entry of `needed`, as a rule for several; once in a while a little too little."""
        amount = needed * self.book.rng.randint(1, 6) + self.book.rng.randint(0, 999_999)
        if amount % 37 == 0:
            amount = max(1, needed - self.book.balances[uid, mint] - 1)
        self.deposit(ms, uid, mint, amount)

    def _deposit_now_and_then(self, ms: int, uid: str) -> None:
        rng = self.book.rng
        mint = rng.choices(addresses.MINTS, (7, 3))[0]
        unit = 10 ** addresses.DECIMALS[mint]
        amount = rng.choice((5, 10, 20, 50)) * unit + rng.choice((0, 0, 1, rng.randint(1, unit - 1)))
        self.deposit(ms, uid, mint, amount, times=2 if rng.random() < 0.03 else 1)
        self.book.later(ms + self.book.span(18_000, 100_000), self._deposit_now_and_then, uid)

    def _withdraw_now_and_then(self, ms: int, uid: str) -> None:
        self.book.later(ms + self.book.span(36_000, 150_000), self._withdraw_now_and_then, uid)
        at, user, rng = self.book.when(ms), self.users[uid], self.book.rng
        tier = user.kyc_tier_at(at)
        if user.frozen_at(at) or tier == 0:
            return
        mints = addresses.MINTS if rng.random() < 0.1 else rng.choices(addresses.MINTS, (7, 3))
        wanted = []
        for mint in mints:
            held = self.book.balances[uid, mint]
            amount = held if rng.random() < 0.2 else held * rng.randint(5, 70) // 100
            amount = min(amount, WITHDRAWAL_LIMIT[mint] * 10 ** (tier - 1))
            if amount > 0:
                wanted.append((mint, amount))
        if wanted:
            self._withdraw(ms, uid, wanted)

    def _withdraw(self, ms: int, uid: str, wanted: list[tuple[str, int]]) -> None:
        book, wallet, label = self.book, self.wallet(uid), addresses.wallet_label(uid)
        calls = [replace(operations.withdraw(wallet, mint, amount), channel=book.channel()) for mint, amount in wanted]
        if book.rng.random() < 0.08:  # one more than there is: the first call's event is logged and rolled back
            mint = wanted[-1][0]
            greedy = operations.withdraw(wallet, mint, book.balances[uid, mint] + 1)
            failing = replace(greedy, events=(), moves=(), error=operations.INSUFFICIENT_BALANCE)
            book.submit(ms, wallet, (label,), (*calls, failing))
            ms += book.span(20, 60)
            if ms > book.horizon:
                return
            book.later(ms, self._withdraw_again, uid, wanted, calls)
            return
        self._pay_out(ms, uid, wanted, calls)

    def _withdraw_all_the_same(self, ms: int, uid: str, amount: int) -> None:
        call = operations.withdraw(self.wallet(uid), addresses.USDC_MINT, amount)
        wanted = [(addresses.USDC_MINT, amount)]
        self._pay_out(ms, uid, wanted, [replace(call, channel=self.book.channel())])

    def _withdraw_again(self, ms: int, uid: str, wanted: list[tuple[str, int]], calls: list) -> None:
        covered = all(self.book.balances[uid, mint] >= amount for mint, amount in wanted)
        if covered and not self.users[uid].frozen_at(self.book.when(ms)):
            self._pay_out(ms, uid, wanted, calls)

    def _pay_out(self, ms: int, uid: str, wanted: list[tuple[str, int]], calls: list) -> None:
        for mint, amount in wanted:
            self.book.wallets[addresses.token_account(self.wallet(uid), mint)] += amount
        entries = [("withdrawal", None, mint, amount, uid) for mint, amount in wanted]
        self.book.submit(ms, self.wallet(uid), (addresses.wallet_label(uid),), calls, entries, actor=uid)
