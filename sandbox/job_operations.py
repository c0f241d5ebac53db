"""The job-escrow program's instructions as values: accounts, arguments, events, token transfers, rent.

Each function builds the Call of one instruction of config/idl/job_escrow.json. Nothing here keeps state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import addresses as a
from sandbox.model import Call, EventPlan, Rent, TokenMove
from sandbox.operations import TOKEN_ACCOUNT_RENT

PROGRAM = "job_escrow"
ESCROW_RENT = 2_060_160  # rent-exempt minimum of 168 bytes
FEE_BPS = 300

NOT_FUNDED = (6000, "NotFunded")
ALREADY_ASSIGNED = (6001, "AlreadyAssigned")

VAULT_AUTHORITY = a.program_address(b"vault_authority", program=PROGRAM)
VAULTS = {mint: a.token_account(VAULT_AUTHORITY, mint) for mint in a.MINTS}  # mint -> vault token account
ARBITERS = tuple(a.address(f"job_escrow/arbiter/{n}") for n in (1, 2, 3))  # those that the platform names
GUEST_ARBITER = a.address("job_escrow/arbiter/4")


@dataclass(frozen=True)
class Job:
    """What a job's instructions have in common; wallets are base58, `amount` is in base units."""

    job_id: str
    mint: str
    amount: int
    employer: str
    worker: str | None = None

    @property
    def fee(self) -> int:
        """Fee of the platform when the whole amount is released."""
        return self.amount * FEE_BPS // 10_000


def initialize(mint: str) -> Call:
    """Create the vault of a mint."""
    vault = VAULTS[mint]
    accounts = {
        "authority": a.AUTHORITY,
        "vault_authority": VAULT_AUTHORITY,
        "mint": mint,
        "vault": vault,
        "token_program": a.TOKEN_PROGRAM,
        "associated_token_program": a.ASSOCIATED_TOKEN_PROGRAM,
        "system_program": a.SYSTEM_PROGRAM,
    }
    fields = {"mint": mint, "vault": vault, "authority": VAULT_AUTHORITY, "fee_bps": FEE_BPS}
    rents = (Rent(a.AUTHORITY, vault, TOKEN_ACCOUNT_RENT),)
    return _call("initialize", {"fee_bps": FEE_BPS}, accounts, (EventPlan("VaultInitialized", fields),), rents=rents)


def create_escrow(job: Job) -> Call:
    """Open the escrow of a job; nothing is paid yet."""
    escrow = _escrow(job)
    accounts = {
        "employer": job.employer,
        "escrow": escrow,
        "mint": job.mint,
        "vault": VAULTS[job.mint],
        "system_program": a.SYSTEM_PROGRAM,
    }
    event = EventPlan("EscrowCreated", _money(job, "employer", job.amount))
    args = {"job_id": job.job_id, "amount": job.amount}
    return _call("create_escrow", args, accounts, (event,), rents=(Rent(job.employer, escrow, ESCROW_RENT),))


def fund_escrow(job: Job) -> Call:
    """The employer pays the job's amount into the vault."""
    source = a.token_account(job.employer, job.mint)
    accounts = {
        "employer": job.employer,
        "employer_token_account": source,
        "escrow": _escrow(job),
        "mint": job.mint,
        "vault": VAULTS[job.mint],
        "token_program": a.TOKEN_PROGRAM,
    }
    event = EventPlan("EscrowFunded", _money(job, "employer", job.amount))
    moves = (TokenMove(source, VAULTS[job.mint], job.employer, job.mint, job.amount),)
    return _call("fund_escrow", {"job_id": job.job_id}, accounts, (event,), moves)


def assign_worker(job: Job) -> Call:
    """The employer gives the job to its worker."""
    args = {"job_id": job.job_id, "worker": job.worker}
    accounts = {"employer": job.employer, "escrow": _escrow(job)}
    return _call("assign_worker", args, accounts, (EventPlan("WorkerAssigned", args),))


def complete_job(job: Job) -> Call:
    """The employer accepts the work: the worker is paid, the fee goes to the treasury."""
    done = EventPlan("JobCompleted", {"job_id": job.job_id, "worker": job.worker})
    paid, moves = _release(job, job.amount)
    accounts = {"employer": job.employer, **_payout_accounts(job, "worker_token_account", "treasury_token_account")}
    return _call("complete_job", {"job_id": job.job_id}, accounts, (done, paid), moves)


def cancel_job(job: Job, reason: Mapping[str, Any], funded: bool) -> Call:
    """The employer withdraws the job; what was paid in goes back. `reason` is a CancelReason variant."""
    events, moves = (EventPlan("JobCancelled", {"job_id": job.job_id, "reason": reason}),), ()
    if funded:
        back, moves = _return(job, job.amount)
        events = (*events, back)
    accounts = {"employer": job.employer, **_payout_accounts(job, "employer_token_account")}
    return _call("cancel_job", {"job_id": job.job_id, "reason": reason}, accounts, events, moves)


def open_dispute(job: Job, party: str, reason: Mapping[str, Any]) -> Call:
    """Employer or worker disputes the job; `reason` is a DisputeReason variant."""
    event = EventPlan("DisputeOpened", {"job_id": job.job_id, "party": party, "reason": reason})
    accounts = {"party": party, "escrow": _escrow(job)}
    return _call("open_dispute", {"job_id": job.job_id, "reason": reason}, accounts, (event,))


def resolve_dispute(job: Job, arbiter: str, ruling: str) -> Call:
    """An arbiter rules: ForEmployer, ForWorker or Split (half each). The escrow is paid out in the same instruction."""
    value = {ruling: {"worker_bps": 5_000} if ruling == "Split" else {}}
    ruled = EventPlan("DisputeRuled", {"job_id": job.job_id, "arbiter": arbiter, "ruling": value})
    done = EventPlan("JobCompleted", {"job_id": job.job_id, "worker": job.worker})
    half = job.amount // 2
    if ruling == "ForEmployer":
        back, moves = _return(job, job.amount)
        events = (ruled, EventPlan("JobCancelled", {"job_id": job.job_id, "reason": {"Ruled": {}}}), back)
    elif ruling == "ForWorker":
        paid, moves = _release(job, job.amount)
        events = (ruled, done, paid)
    else:
        (paid, to_worker), (back, to_employer) = _release(job, half), _return(job, job.amount - half)
        events, moves = (ruled, done, paid, back), (*to_worker, *to_employer)
    payouts = ("worker_token_account", "employer_token_account", "treasury_token_account")
    accounts = {"arbiter": arbiter, **_payout_accounts(job, *payouts)}
    return _call("resolve_dispute", {"job_id": job.job_id, "ruling": value}, accounts, events, moves)


def rate_party(job: Job, rater: str, rated: str, stars: int) -> Call:
    """One side of a job rates the other with 1 to 5 stars."""
    event = EventPlan("PartyRated", {"job_id": job.job_id, "rater": rater, "rated": rated, "stars": stars})
    args = {"job_id": job.job_id, "rated": rated, "stars": stars}
    return _call("rate_party", args, {"rater": rater, "escrow": _escrow(job)}, (event,))


def _release(job: Job, amount: int) -> tuple[EventPlan, tuple[TokenMove, ...]]:
    """So much of the escrow is released: to the worker, less the fee."""
    fee = amount * FEE_BPS // 10_000
    event = EventPlan("PaymentReleased", {**_money(job, "worker", amount - fee), "fee": fee})
    targets = ((a.token_account(job.worker or "", job.mint), amount - fee), (a.TREASURY_ACCOUNTS[job.mint], fee))
    return event, tuple(_move(job, account, moved) for account, moved in targets if moved)


def _return(job: Job, amount: int) -> tuple[EventPlan, tuple[TokenMove, ...]]:
    event = EventPlan("PaymentReturned", _money(job, "employer", amount))
    return event, (_move(job, a.token_account(job.employer, job.mint), amount),)


def _move(job: Job, account: str, amount: int) -> TokenMove:
    return TokenMove(VAULTS[job.mint], account, VAULT_AUTHORITY, job.mint, amount)


def _money(job: Job, whose: str, amount: int) -> dict[str, Any]:
    wallet = job.employer if whose == "employer" else job.worker
    return {"job_id": job.job_id, whose: wallet, "mint": job.mint, "vault": VAULTS[job.mint], "amount": amount}


def _payout_accounts(job: Job, *targets: str) -> dict[str, str]:
    known = {
        "worker_token_account": a.token_account(job.worker, job.mint) if job.worker else "",
        "employer_token_account": a.token_account(job.employer, job.mint),
        "treasury_token_account": a.TREASURY_ACCOUNTS[job.mint],
    }
    return {
        "escrow": _escrow(job),
        **{name: known[name] for name in targets},
        "vault_authority": VAULT_AUTHORITY,
        "mint": job.mint,
        "vault": VAULTS[job.mint],
        "token_program": a.TOKEN_PROGRAM,
    }


def _escrow(job: Job) -> str:
    return a.program_address(b"escrow", job.job_id.encode(), program=PROGRAM)


def _call(
    instruction: str,
    args: Mapping[str, Any],
    accounts: Mapping[str, str],
    events: tuple[EventPlan, ...],
    moves: tuple[TokenMove, ...] = (),
    rents: tuple[Rent, ...] = (),
) -> Call:
    emitter = {"event_authority": a.EVENT_AUTHORITIES[PROGRAM], "program": a.ANCHOR_PROGRAMS[PROGRAM]}
    return Call(PROGRAM, instruction, args, {**accounts, **emitter}, events=events, moves=moves, rents=rents)
