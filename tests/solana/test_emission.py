"""Which events a transaction has: attribution by frames, imitations, truncation, double emission, failure."""

from __future__ import annotations

import pytest
from chain_builder import (
    GO_NOW,
    OTHER,
    PAYER,
    PROGRAM,
    THIRD,
    call,
    cpi_event,
    data,
    enter,
    fail,
    idl,
    leave,
    made,
    transaction,
)  # fmt: skip

from ingestion.solana.anchor.emission import Extraction, extract
from ingestion.solana.anchor.idl import IdlRegistry, parse_idl
from ingestion.solana.transaction import view_of

TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"


def run(*args, program: str | None = PROGRAM, **kwargs) -> Extraction:
    registry = IdlRegistry()
    registry.add(parse_idl(idl(program)))
    return extract(view_of(transaction(*args, **kwargs)), registry)


def events(found: Extraction) -> list[tuple]:
    return [(e.data["value"], e.channel, e.position, e.status) for e in found.events]


def findings(found: Extraction) -> list[tuple]:
    return [(f.code, f.channel, f.position) for f in found.findings]


def test_an_event_belongs_to_the_innermost_program():
    found = run(
        [enter(OTHER), enter(PROGRAM, 2), data(made(1)), leave(PROGRAM), data(made(2)), leave(OTHER)],
        [call(OTHER)],
        {0: [call(PROGRAM, height=2)]},
    )
    assert events(found) == [("1", "log", "2.0", "counted")]
    assert found.events[0].emitter == (0, 0)
    assert found.findings == []


def test_events_after_an_inner_call_returned_are_the_caller_s():
    found = run(
        [enter(PROGRAM), enter(TOKEN, 2), leave(TOKEN), data(made(1)), leave(PROGRAM)],
        [call(PROGRAM)],
        {0: [call(TOKEN, height=2)]},
    )
    assert events(found) == [("1", "log", "3.0", "counted")]
    assert found.events[0].emitter == (0, None)


def test_several_tokens_on_a_line_and_the_same_event_twice():
    found = run([enter(PROGRAM), data(made(1), made(1), made(2)), data(made(1)), leave(PROGRAM)])
    assert events(found) == [
        ("1", "log", "1.0", "counted"),
        ("1", "log", "1.1", "counted"),
        ("2", "log", "1.2", "counted"),
        ("1", "log", "2.0", "counted"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Program data: {}",
        "hello\nProgram data: {}",
        f"x\nProgram {OTHER} success\nProgram data: {{}}",
    ],
)
def test_a_message_that_imitates_data_is_text(text):
    line = "Program log: " + text.format(data(made(9)).removeprefix("Program data: "))
    found = run([enter(PROGRAM), line, data(made(1)), leave(PROGRAM)])
    assert events(found) == [("1", "log", "2.0", "counted")]
    assert findings(found) == [("spoofed_data", "log", "1.0")]
    assert found.findings[0].raw == line.encode()
    assert found.findings[0].program_id == PROGRAM


@pytest.mark.parametrize(
    "line", [f"Program log: Program {OTHER} invoke [2]", "Program log: success", "Program log: Log truncated"]
)
def test_messages_are_never_structure(line):
    found = run([enter(PROGRAM), line, data(made(1)), leave(PROGRAM)])
    assert (events(found), found.findings) == ([("1", "log", "2.0", "counted")], [])


def test_other_programs_are_none_of_our_business():
    imitation = "Program log: " + data(made(3))
    found = run(
        [enter(OTHER), data(made(1), b"not an event"), imitation, "Program data: ???", leave(OTHER)], [call(OTHER)]
    )
    assert (found.events, found.findings) == ([], [])


def test_payloads_that_are_no_event_are_kept_with_their_bytes():
    found = run(
        [enter(PROGRAM), data(b"\1\2\3", b"unknown discriminator", made(1)[:-1]), "Program data: a*b", leave(PROGRAM)]
    )
    assert found.events == []
    assert [(f.code, f.position, f.raw) for f in found.findings] == [
        ("bad_base64", "2.0", b"a*b"),
        ("no_discriminator", "1.0", b"\1\2\3"),
        ("unknown_discriminator", "1.1", b"unknown discriminator"),
        ("payload_too_short", "1.2", made(1)[:-1]),
    ]


def test_trailing_bytes_are_kept():
    found = run([enter(PROGRAM), data(made(1) + b"more"), leave(PROGRAM)])
    assert events(found) == [("1", "log", "1.0", "counted")]
    assert found.events[0].trailing == b"more"


def test_a_failed_transaction_counts_nothing():
    found = run(
        [enter(PROGRAM), data(made(1)), fail(PROGRAM)],
        [call(PROGRAM)],
        {0: [cpi_event(PROGRAM, made(1))]},
        err={"InstructionError": [0, "Custom"]},
    )
    assert events(found) == [("1", "log", "1.0", "reverted"), ("1", "cpi", "0.0", "duplicate")]  # one event, reverted


def test_both_channels_count_once_and_equal_pairs_are_two_events():
    found = run(
        [enter(PROGRAM), data(made(1)), data(made(1)), data(made(2)), leave(PROGRAM)],
        [call(PROGRAM)],
        {
            0: [
                cpi_event(PROGRAM, made(1)),
                cpi_event(PROGRAM, made(1)),
                cpi_event(PROGRAM, made(1)),
                cpi_event(PROGRAM, made(3)),
            ]
        },
    )
    assert [(e.data["value"], e.position, e.status, e.duplicate_of) for e in found.events] == [
        ("1", "1.0", "counted", None),
        ("1", "2.0", "counted", None),
        ("2", "3.0", "counted", None),
        ("1", "0.0", "duplicate", "1.0"),
        ("1", "0.1", "duplicate", "2.0"),
        ("1", "0.2", "counted", None),
        ("3", "0.3", "counted", None),
    ]


def test_twins_are_looked_for_in_the_same_instruction_first():
    found = run(
        [enter(PROGRAM), data(made(1)), leave(PROGRAM), enter(PROGRAM), data(made(1)), leave(PROGRAM)],
        [call(PROGRAM), call(PROGRAM)],
        {1: [cpi_event(PROGRAM, made(1))]},
    )
    assert [(e.position, e.status, e.duplicate_of) for e in found.events] == [
        ("1.0", "counted", None),
        ("4.0", "counted", None),
        ("1.0", "duplicate", "4.0"),
    ]


def test_an_event_instruction_called_by_another_program_is_no_event():
    inner = {0: [cpi_event(PROGRAM, made(1), height=2), call(PROGRAM, height=2), cpi_event(PROGRAM, made(2), height=3)]}
    found = run([enter(OTHER), leave(OTHER)], [call(OTHER)], inner)
    assert events(found) == [("2", "cpi", "0.2", "counted")]
    assert found.events[0].emitter == (0, 1)
    assert findings(found) == [("foreign_event_call", "cpi", "0.0")]


def test_the_caller_of_an_event_instruction_without_recorded_heights_comes_from_the_log():
    logs = [
        enter(OTHER), enter(PROGRAM, 2), enter(PROGRAM, 3), leave(PROGRAM), leave(PROGRAM),
        enter(PROGRAM, 2), leave(PROGRAM), leave(OTHER),
    ]  # fmt: skip
    inner = {0: [call(PROGRAM, GO_NOW), cpi_event(PROGRAM, made(1), None), cpi_event(PROGRAM, made(2), None)]}
    found = run(logs, [call(OTHER)], inner)
    assert [(e.data["value"], e.emitter) for e in found.events] == [("1", (0, 0))]
    assert findings(found) == [("foreign_event_call", "cpi", "0.2")]


def test_a_top_level_event_instruction_is_no_event():
    found = run([enter(PROGRAM), leave(PROGRAM)], [cpi_event(PROGRAM, made(1))])
    assert (found.events, findings(found)) == ([], [("foreign_event_call", "cpi", "0")])


def test_precompiles_leave_no_log_lines():
    silent = "Ed25519SigVerify111111111111111111111111111"
    found = run([enter(PROGRAM), data(made(1)), leave(PROGRAM)], [call(silent), call(OTHER), call(PROGRAM)])
    assert found.events[0].emitter is None  # OTHER has no frame: log and instructions don't match
    found = run([enter(PROGRAM), data(made(1)), leave(PROGRAM)], [call(silent), call(PROGRAM)])
    assert found.events[0].emitter == (1, None)


@pytest.mark.parametrize(
    "logs",
    [
        [data(made(1))],
        [enter(PROGRAM), leave(PROGRAM), data(made(1))],
        [enter(PROGRAM), leave(OTHER), data(made(1)), leave(PROGRAM)],
        [enter(PROGRAM), enter(OTHER, 3), data(made(1)), leave(OTHER), leave(PROGRAM)],
        [enter(OTHER), enter(PROGRAM, 3), data(made(1))],
    ],
)
def test_unmatched_frames_make_the_event_uncertain_not_wrong(logs):
    found = run(logs, [call(PROGRAM)])
    assert found.events == []
    assert [(f.code, f.raw) for f in found.findings] == [("unmatched_frames", made(1))]


def test_a_place_needs_the_recorded_depth():
    logs = [enter(OTHER), enter(PROGRAM, 2), data(made(1)), leave(PROGRAM), leave(OTHER)]
    assert run(logs, [call(OTHER)], {0: [call(PROGRAM, height=2)]}).events[0].emitter == (0, 0)
    assert run(logs, [call(OTHER)], {0: [call(PROGRAM, height=3)]}).events[0].emitter is None


def test_a_top_level_call_ends_the_doubt():
    found = run(
        [enter(PROGRAM), leave(OTHER), data(made(1)), enter(PROGRAM), data(made(2)), leave(PROGRAM)],
        [call(PROGRAM), call(PROGRAM)],
    )
    assert [e.data["value"] for e in found.events] == ["2"]
    assert findings(found) == [("unmatched_frames", "log", "2.0")]


def padding(size: int) -> str:
    return "Program log: " + "x" * (size - 13)


def test_after_a_cut_the_stack_holds_while_a_frame_line_would_have_fitted():
    head = [enter(PROGRAM), padding(9000)]
    found = run([*head, "Log truncated", data(made(1)), enter(OTHER, 2), data(made(5)), leave(OTHER), data(made(2))])
    assert [e.data["value"] for e in found.events] == ["1", "2"]
    assert findings(found) == [("log_truncated", "log", "")]


def test_after_a_cut_that_may_hide_frames_the_event_is_uncertain():
    room = 64
    used = len(enter(PROGRAM))
    logs = [enter(PROGRAM), padding(10_000 - used - room), "Log truncated", data(made(1))]
    found = run(logs)
    assert found.events == []
    assert findings(found) == [("log_truncated", "log", ""), ("log_truncated", "log", "3.0")]
    logs[1] = padding(10_000 - used - room - 1)  # the longest frame line would just have fitted
    assert [e.data["value"] for e in run(logs).events] == ["1"]


def test_inner_instructions_are_beyond_the_cut():
    logs = [enter(PROGRAM), padding(9990 - len(enter(PROGRAM))), "Log truncated"]
    found = run(logs, [call(PROGRAM)], {0: [cpi_event(PROGRAM, made(1))]})
    assert events(found) == [("1", "cpi", "0.0", "counted")]
    assert [(f.code, f.reason, f.raw) for f in found.findings] == [
        ("log_truncated", "the log was cut, events may be missing", b"")
    ]
    assert run(["Log truncated"], [call(OTHER)]).findings == []


def test_a_node_without_logs_is_noticed():
    found = run(None, [call(PROGRAM)], {0: [cpi_event(PROGRAM, made(1))]})
    assert events(found) == [("1", "cpi", "0.0", "counted")]
    assert findings(found) == [("no_log", "log", "")]
    assert run(None, [call(OTHER)]).findings == []


@pytest.mark.parametrize(
    ("instruction", "known"),
    [
        (call(PROGRAM, GO_NOW, [PAYER, THIRD]), True),
        (call(PROGRAM, GO_NOW, [PAYER]), True),  # the second account is optional
        (call(PROGRAM, GO_NOW), False),  # the name only: some other program's go_now
        (call(PROGRAM, b"otherwis", [PAYER, THIRD]), False),
    ],
)
def test_the_program_of_an_idl_without_address_is_found_by_what_it_speaks(instruction, known):
    found = run([enter(PROGRAM), data(b"unknown discriminator"), leave(PROGRAM)], [instruction], program=None)
    assert findings(found) == ([("unknown_discriminator", "log", "1.0")] if known else [])
    assert events(run([enter(PROGRAM), data(made(4)), leave(PROGRAM)], [instruction], program=None)) == [
        ("4", "log", "1.0", "counted")
    ]
