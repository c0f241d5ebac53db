"""The call that a transaction counts under: against the sandbox's plans, and against what recorded programs log."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest
from chain_builder import OTHER, PROGRAM, THIRD, call, idl, transaction
from solana_context import rows_of

from ingestion.solana.anchor.idl import IdlRegistry, parse_idl
from ingestion.solana.primary_call import COMPUTE_BUDGET, primary_call
from ingestion.solana.transaction import view_of
from sandbox import addresses as a
from sandbox.chain import build_chain
from sandbox.chain_program import PROGRAM_IDS
from sandbox.model import TxPlan
from sandbox.world import build_world


def planned(plan: TxPlan) -> tuple[str, str | None]:
    """What the plan says: a relayed call is only there when nothing before it failed."""
    failed = False
    for one in plan.calls:
        if one.program == "skill_match" and not (one.via_executor and failed):
            return a.PROGRAM_ID, one.instruction
        failed = failed or one.error is not None
    return PROGRAM_IDS[plan.calls[0].program], None


@pytest.mark.parametrize("encoding", ["json", "jsonParsed", "base64"])
def test_every_simulated_transaction_counts_under_its_planned_call(configured, encoding):
    ctx = configured()
    chain = build_chain(build_world(), faults={"move_base_unit"})
    seen = [tx for tx in chain.transactions if ctx.config.own.own_addresses() & set(tx.keys)]
    lines = [
        json.dumps(
            {
                "signature": tx.signature,
                "response": json.dumps(
                    {"jsonrpc": "2.0", "id": 1, "result": chain.transaction(tx.signature, encoding)}
                ),
            }
        )
        for tx in seen
    ]
    rows = rows_of(ctx, "transactions", "\n".join(lines).encode())["solana_transactions"]
    held = {row["signature"]: (row["program_id"], row["instruction"]) for row in rows}
    assert held == {tx.signature: planned(tx.plan) for tx in seen}
    relayed = sum(any(one.via_executor for one in tx.plan.calls) for tx in seen)
    failed = sum(not tx.plan.success and planned(tx.plan)[1] is not None for tx in seen)
    versioned = sum(tx.plan.version == "0" for tx in seen)
    assert min(relayed, failed, versioned, Counter(held.values())[a.TOKEN_PROGRAM, None]) > 0
    assert len({instruction for _, instruction in held.values()}) > 8


def test_recorded_transactions_count_under_the_instruction_that_their_log_names_first(fixtures, configured):
    ctx = configured("openbook_v2", WAREHOUSE_INPUT=str(fixtures))
    own = ctx.config.own.program_id
    checked = Counter()
    for path in sorted((fixtures / "solana" / "program_runs").glob("openbook*.json.json")):
        result = json.loads(path.read_text())
        result = result.get("result", result)
        logs = result["meta"]["logMessages"]
        at = next((at for at, line in enumerate(logs) if line.startswith(f"Program {own} invoke")), None)
        named = at is not None and re.fullmatch(r"Program log: Instruction: (\w+)", logs[at + 1])
        if not named:
            continue
        response = json.dumps({"jsonrpc": "2.0", "id": 1, "result": result})
        line = json.dumps({"signature": result["transaction"]["signatures"][0], "response": response})
        [row] = rows_of(ctx, "transactions", line.encode())["solana_transactions"]
        expected = re.sub(r"(?<!^)(?=[A-Z])", "_", named[1]).lower()
        assert (row["program_id"], row["instruction"]) == (own, expected), path.name
        checked[expected] += 1
    assert {"deposit", "settle_funds"} <= set(checked)


def of(instructions, inner=None, slot=7):
    """Program and instruction of a transaction of PROGRAM, whose `go` is renamed `run` from slot 100 on."""
    registry = IdlRegistry()
    for name, first, end in (("go", 0, 100), ("run", 100, None)):
        written = json.loads(idl()) | {
            "instructions": [{"name": name, "discriminator": [1, 2], "args": [], "accounts": []}]
        }
        registry.add(parse_idl(json.dumps(written)), PROGRAM, first, end)
    view = view_of(transaction([], instructions, inner) | {"slot": slot})
    return tuple(primary_call(view, PROGRAM, registry))


def test_which_call_is_the_primary_one():
    own, budget = call(PROGRAM, b"\1\2rest"), call(COMPUTE_BUDGET)
    assert of([budget, call(OTHER), own]) == (PROGRAM, "go")
    assert of([own], slot=100) == (PROGRAM, "run")  # the IDL of that slot
    unknown = call(PROGRAM, b"\3\4")
    assert of([unknown, own]) == (PROGRAM, None)
    # in order of execution: what the first top-level call invokes comes before the second one
    assert of([call(OTHER), unknown], {0: [call(THIRD), call(PROGRAM, b"\1\2", height=2)]}) == (PROGRAM, "go")
    assert of([budget, call(OTHER), call(THIRD)]) == (OTHER, None)
    assert of([budget]) == (COMPUTE_BUDGET, None)
