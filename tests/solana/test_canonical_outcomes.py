"""Canonical events of the other platforms' profiles: arbiters, outcomes, reasons, ratings, units."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError
from solana_context import PSEUDONYM, rows_of

from sandbox import job_operations as jobs
from sandbox.chain import build_chain
from sandbox.exchange_world import build_exchange_world
from sandbox.happenings import happenings
from sandbox.job_world import build_job_world
from sandbox.model import EventPlan, World
from sandbox.world import START
from warehouse.profile import EventMapping

OUTCOMES = {"ForEmployer": "payer", "ForWorker": "payee", "Split": "split"}


def events_of(world: World, name: str) -> list[EventPlan]:
    """Events that took effect."""
    plans = [plan for plan in world.transactions if plan.success]
    return [event for plan in plans for call in plan.calls for event in call.events if event.name == name]


def landed(world: World) -> bytes:
    chain = build_chain(world)
    lines = []
    for row in chain.rows:
        answer = {"jsonrpc": "2.0", "id": 1, "result": chain.transaction(row.signature, "json")}
        lines.append(json.dumps({"signature": row.signature, "response": json.dumps(answer)}))
    return "\n".join(lines).encode()


@pytest.fixture(scope="module")
def job_world() -> World:
    return build_job_world(START, 2, 7)


@pytest.fixture(scope="module")
def job_body(job_world: World) -> bytes:
    return landed(job_world)


def of_kind(rows: Any, kind: str) -> list[dict[str, Any]]:
    return [row for row in rows["canonical_events"] if row["canonical_event"] == kind and row["status"] == "counted"]


def test_rulings_ratings_and_reasons_of_jobs(configured, job_world, job_body):
    rows = rows_of(configured("job_escrow"), "transactions", job_body)
    assert not rows["quarantine"]
    ruled = Counter((row["escrow_id"], row["outcome"], row["arbiter"]) for row in of_kind(rows, "dispute_resolved"))
    assert ruled == Counter(
        (event.fields["job_id"], OUTCOMES[next(iter(event.fields["ruling"]))], shown(event.fields["arbiter"]))
        for event in events_of(job_world, "DisputeRuled")
    )
    assert {outcome for _, outcome, _ in ruled} == set(OUTCOMES.values())
    assert any(arbiter.startswith("wallet_") for _, _, arbiter in ruled)
    rated = Counter((row["escrow_id"], row["rating"], row["holder"]) for row in of_kind(rows, "rated"))
    assert rated == Counter(
        (event.fields["job_id"], event.fields["stars"], PSEUDONYM(event.fields["rater"], "wallet"))
        for event in events_of(job_world, "PartyRated")
    )
    reasons = Counter(row["reason"] for row in of_kind(rows, "cancelled"))
    assert reasons == Counter(next(iter(event.fields["reason"])) for event in events_of(job_world, "JobCancelled"))
    # Money goes from outside into the escrow, and out of it to outside or the treasury.
    classes = {(row["canonical_event"], row["from_class"], row["to_class"]) for row in rows["canonical_events"]}
    assert {moved for moved in classes if moved[1]} == {
        ("deposit", "external", "escrow"),
        ("prize_distributed", "escrow", "external"),
        ("fee_collected", "escrow", "treasury"),
        ("refund", "escrow", "external"),
    }


def shown(arbiter: str) -> str | None:
    return arbiter if arbiter in jobs.ARBITERS else PSEUDONYM(arbiter, "wallet")


def test_no_wallet_of_a_job_is_in_any_row(configured, job_world, job_body):
    rows = rows_of(configured("job_escrow"), "transactions", job_body)
    text = json.dumps(rows, default=str)
    wallets = {owner for account, (owner, _) in job_world.token_owners.items() if account in job_world.opening_tokens}
    assert len(wallets) > 20
    assert [wallet for wallet in [*wallets, jobs.GUEST_ARBITER] if wallet in text] == []


def test_units_of_exchanges(configured):
    world = build_exchange_world(START, 2, 7).world
    rows = rows_of(configured("token_exchange"), "transactions", landed(world))
    assert not rows["quarantine"]
    for kind, name in (("exchange_requested", "ExchangeRequested"), ("exchange_completed", "ExchangeCompleted")):
        assert Counter((row["escrow_id"], row["units"]) for row in of_kind(rows, kind)) == Counter(
            (event.fields["request_id"], str(event.fields["units"])) for event in events_of(world, name)
        )
    kinds = Counter((row["canonical_event"], row["status"] == "counted") for row in unique(rows))
    assert kinds == Counter((one.kind, one.counted) for one in happenings(world))
    paid = of_kind(rows, "exchange_completed")
    assert {(row["from_class"], row["to_class"]) for row in paid} == {("treasury", "external")}


def unique(rows: Any) -> list[dict[str, Any]]:
    return [row for row in rows["canonical_events"] if row["status"] != "duplicate"]


def test_a_ruling_that_the_profile_does_not_know_is_quarantined(configured, job_world, job_body):
    ctx = configured("job_escrow")
    events = [
        mapping.model_copy(update={"outcomes": {"ForEmployer": "payer", "Split": "split"}})
        if mapping.canonical == "dispute_resolved"
        else mapping
        for mapping in ctx.profile.events
    ]
    object.__setattr__(ctx, "profile", ctx.profile.model_copy(update={"events": events}))
    rows = rows_of(ctx, "transactions", job_body)
    for_worker = [event for event in events_of(job_world, "DisputeRuled") if "ForWorker" in event.fields["ruling"]]
    assert for_worker
    reasons = {row["reason"] for row in rows["quarantine"]}
    assert reasons == {"DisputeRuled -> dispute_resolved: outcomes doesn't say in whose favour 'ForWorker' is"}
    assert len(of_kind(rows, "dispute_resolved")) == len(events_of(job_world, "DisputeRuled")) - len(for_worker)


@pytest.mark.parametrize(
    "wrong",
    [{"outcome": "event.ruling"}, {"outcomes": {"A": "payer"}}, {"outcome": "event.x", "outcomes": {"A": "me"}}],
)
def test_an_outcome_needs_its_meaning(wrong):
    with pytest.raises(ValidationError, match="outcome"):
        EventMapping.model_validate({"event": "X", "canonical": "dispute_resolved", **wrong})
