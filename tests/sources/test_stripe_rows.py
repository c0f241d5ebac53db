"""Landed Stripe answers -> rows: exact columns, integers only, and nobody's name."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import stripe

from ingestion.stripe.columns import RESOURCE_OF_TYPE, TABLES, known_fields
from ingestion.stripe.land import live_mode
from tests.sources.conftest import original, reasons
from warehouse.config import load_config

VERSION = "2026-08-26.dahlia"
COMMON = {"livemode": True, "account": "default", "api_version": VERSION, "read_through": "2026-10-09T00:00:00Z"}
CREATED = 1_791_200_000  # 2026-10-05T11:33:20Z


def answer(body: Any, request: str = "/v1/x") -> bytes:
    text = body if isinstance(body, str) else json.dumps(body, indent=2)
    line = {"request": request, "api_version": VERSION, "account": "default", "body": text}
    return json.dumps(line).encode() + b"\n"


def page(*objects: Any, more: bool = False) -> bytes:
    return answer({"object": "list", "data": list(objects), "has_more": more, "url": "/v1/x"})


def charge(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": 9_007_199_254_740_993,
        "amount_refunded": 0,
        "created": CREATED,
        "currency": "usd",
        "customer": "cus_A1b2C3",
        "description": "for jane@example.org from cus_A1b2C3",
        "livemode": True,
        "paid": True,
        "payment_intent": {"id": "pi_1", "object": "payment_intent", "client_secret": "pi_1_secret_x"},
        "balance_transaction": None,
        "billing_details": {"email": "jane@example.org", "name": "Jane Doe"},
        "metadata": {"uid": "u0001", "order": "7"},
        "status": "succeeded",
        **changes,
    }


def test_a_page_becomes_typed_rows_numbered_through_the_object(prepare, pure):
    rows = prepare("stripe", "charges", page(charge(), charge(id="ch_2"), more=True) + page(charge(id="ch_3")))
    assert set(rows) == {"stripe_charges"}
    first = rows["stripe_charges"][0]
    record = json.loads(first.pop("record"))
    customer = pure.pseudonym("cus_A1b2C3", "customer")
    assert first == {
        "id": "ch_1",
        "created": "2026-10-05T11:33:20Z",
        **COMMON,
        "amount": "9007199254740993",
        "amount_refunded": "0",
        "currency": "usd",
        "status": "succeeded",
        "paid": True,
        "refunded": None,
        "disputed": None,
        "customer": customer,
        "payment_intent": "pi_1",
        "balance_transaction": None,
        "failure_code": None,
        "_line": 1,
        "_event_date": "2026-10-05",
    }
    assert [(row["id"], row["_line"]) for row in rows["stripe_charges"]] == [("ch_1", 1), ("ch_2", 2), ("ch_3", 3)]
    assert record["customer"] == customer
    assert record["description"] == f"for [email] from {customer}"
    assert record["billing_details"] is None
    assert record["payment_intent"]["client_secret"] == "[redacted]"
    assert record["metadata"] == {"uid": pure.pseudonym("u0001", "user"), "order": "7"}
    assert record["amount"] == 9_007_199_254_740_993


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"amount": "10.00"}, "wrong_type", "amount"),
        ({"amount": 10.0}, "wrong_type", "amount"),
        ({"amount": True}, "wrong_type", "amount"),
        ({"amount": None}, "missing_field", "amount"),
        ({"amount": 10**29}, "out_of_range", "amount"),
        ({"created": "2026-10-05"}, "wrong_type", "created"),
        ({"created": None}, "missing_field", "created"),
        ({"created": 10**15}, "bad_time", "created"),
        ({"id": 5}, "wrong_type", "id"),
        ({"currency": 5}, "wrong_type", "currency"),
        ({"paid": "yes"}, "wrong_type", "paid"),
        ({"customer": {"id": 5}}, "wrong_type", "id"),
        ({"object": "refund"}, "wrong_object", "object"),
    ],
)
def test_a_wrong_field_quarantines_its_object_alone_with_its_own_bytes(prepare, change, code, field):
    bad = charge(id="ch_bad") | change
    text = json.dumps(bad, indent=3)
    body = f'{{"object": "list", "data": [{json.dumps(charge())},\n {text} , {json.dumps(charge(id="ch_2"))}]}}'
    rows = prepare("stripe", "charges", answer(body))
    assert [row["id"] for row in rows["stripe_charges"]] == ["ch_1", "ch_2"]
    [row] = rows["quarantine"]
    assert (row["reason_code"], row["position"], row["_line"]) == (code, field, 2)
    assert original(row) == text.encode()
    assert "10.00" not in row["reason"]


def test_an_answer_that_broke_off_is_quarantined_and_the_others_are_kept(prepare):
    broken = '{"object": "list", "data": [{"id": "ch_1"'
    rows = prepare("stripe", "charges", page(charge()) + answer(broken) + b"not json\n{}\n" + page(charge(id="ch_2")))
    assert [row["id"] for row in rows["stripe_charges"]] == ["ch_1", "ch_2"]
    assert [row["reason_code"] for row in rows["quarantine"]] == ["bad_json", "bad_json", "not_an_answer"]
    assert original(rows["quarantine"][0]) == broken.encode()


def test_a_deleted_customer_is_kept_on_the_day_it_was_read(prepare, pure):
    rows = prepare("stripe", "customers", answer({"id": "cus_QXg1", "object": "customer", "deleted": True}))
    [row] = rows["stripe_customers"]
    hidden = pure.pseudonym("cus_QXg1", "customer")
    assert (row["id"], row["deleted"], row["created"], row["_event_date"]) == (hidden, True, None, "2026-10-05")
    assert json.loads(row["record"]) == {"id": hidden, "object": "customer", "deleted": True}


def test_a_customer_is_a_pseudonym_also_in_the_event_about_it(prepare, pure):
    customer = {
        "id": "17",  # some old ids have no prefix
        "object": "customer",
        "created": CREATED,
        "email": "jane@example.org",
        "name": "Jane Doe",
        "invoice_prefix": "ABC",
        "livemode": False,
        "tax_ids": {"url": "/v1/customers/cus_17/tax_ids"},
    }
    event = {
        "id": "evt_1",
        "object": "event",
        "api_version": "2024-06-20",
        "created": CREATED,
        "data": {"object": customer, "previous_attributes": {"email": "old@example.org"}},
        "livemode": False,
        "type": "customer.updated",
    }
    hidden = pure.pseudonym("17", "customer")
    [row] = prepare("stripe", "customers", page(customer))["stripe_customers"]
    assert (row["id"], row["livemode"]) == (hidden, False)
    [changed] = prepare("stripe", "events", page(event))["stripe_events"]
    assert (changed["type"], changed["object_type"], changed["object_id"]) == ("customer.updated", "customer", hidden)
    assert changed["event_api_version"] == "2024-06-20"
    for record in (row["record"], changed["record"]):
        assert hidden in record
        for personal in ('"17"', "cus_17", "jane", "Jane", "ABC", "old@"):
            assert personal not in record


def test_what_stripe_no_longer_has_is_quarantined(prepare):
    gone = {"error": {"code": "resource_missing", "message": "No such charge: 'ch_9'", "type": "invalid_request_error"}}
    assert reasons(prepare("stripe", "charges", answer(gone, "/v1/charges/ch_9"))) == [(1, "resource_missing")]


def test_a_dispute_loses_its_evidence_and_keeps_its_money(prepare):
    dispute = {
        "id": "dp_1",
        "object": "dispute",
        "amount": 1000,
        "charge": "ch_1",
        "created": CREATED,
        "currency": "jpy",
        "evidence": {"customer_name": "Jane Doe", "uncategorized_text": "Jane lives at 5 Main Street"},
        "evidence_details": {"has_evidence": False},
        "payment_intent": None,
        "reason": "fraudulent",
        "status": "lost",
    }
    [row] = prepare("stripe", "disputes", page(dispute))["stripe_disputes"]
    assert (row["amount"], row["currency"], row["status"], row["reason"]) == ("1000", "jpy", "lost", "fraudulent")
    record = json.loads(row["record"])
    assert record["evidence"] is None
    assert record["evidence_details"] == {"has_evidence": False}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty_file"),
        (b'{"id": ', "bad_json"),
        (b'{"id": "\xff"}', "invalid_utf8"),
        (b"[]", "not_stripe"),
        (b'{"hello": 1}', "not_stripe"),
        (b'[{"id": "ch_1", "object": "charge"}, {"id": "x"}]', "not_stripe"),
        (b'{"id": "ch_1", "object": "charge"}', "not_served"),
    ],
)
def test_an_unusable_file_is_one_row_that_says_why_and_holds_it_all(prepare, body, code):
    rows = prepare("stripe", "unusable", body, "charges.json")
    assert [(row["reason_code"], original(row)) for row in rows["quarantine"]] == [(code, body)]


def test_recorded_answers_become_rows_and_amounts_that_are_no_integers_do_not(prepare, fixtures):
    counts: dict[str, int] = {}
    drift: set[str] = set()
    for path in sorted((fixtures / "stripe/objects").glob("*.json")):
        body = path.read_text()
        rows = prepare("stripe", RESOURCE_OF_TYPE[json.loads(body)["object"]], answer(body))
        drift |= {row["field"] for row in rows.pop("schema_changes", [])}
        for table, found in rows.items():
            counts[table] = counts.get(table, 0) + len(found)
            text = json.dumps(found)
            for personal in ("alex-nesnes", "Jane Doe", "test1@user.com", "223.182.253.19", "cus_6lsBvm5rJ0zyHc"):
                assert personal not in text
        if path.name.startswith("dispute_ch"):  # a charge whose amounts were made decimals: "10.00"
            [row] = rows["quarantine"]
            assert (row["reason_code"], row["position"], original(row)) == ("wrong_type", "amount", body.encode())
    assert drift == {"balance_transaction", "charges", "destination", "dispute", "invoice", "order"}  # older versions
    assert counts == {
        "quarantine": 1,
        "stripe_balance_transactions": 1,
        "stripe_charges": 1,
        "stripe_disputes": 1,
        "stripe_payment_intents": 1,
    }


def examples(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value that states its type, those within others too."""
    if isinstance(value, dict):
        if isinstance(value.get("object"), str):
            yield value
        for item in value.values():
            yield from examples(item)
    elif isinstance(value, list):
        for item in value:
            yield from examples(item)


# Raw column -> how Stripe's own JSON states it; written down from the column's meaning, not from the code's table.
AMOUNTS = {"amount", "amount_received", "amount_refunded", "fee", "net"}
TIMES = {"created", "available_on", "arrival_date"}
REFERENCES = {"source", "payment_intent", "balance_transaction", "latest_charge", "charge"}
OF_THE_READING = {"account": "default", "api_version": VERSION, "read_through": "2026-10-09T00:00:00Z", "_line": 1}


def mapped(example: dict[str, Any], column: str, hidden: Callable[[str, str], str | None]) -> Any:
    """What a column must hold of an example, made from its JSON alone."""
    value = example.get(column)
    if column in OF_THE_READING:
        return OF_THE_READING[column]
    if column == "_event_date":
        created = example.get("created")
        return "2026-10-05" if created is None else datetime.fromtimestamp(created, UTC).date().isoformat()
    if column == "id":
        return hidden(value, "customer") if example["object"] == "customer" else value
    if column == "customer":
        return hidden(value["id"] if isinstance(value, dict) else value, "customer")
    if column in ("object_type", "object_id"):
        return example["data"]["object"][column.removeprefix("object_").replace("type", "object")]
    if column == "event_api_version":
        return example["api_version"]
    if value is None:
        return None
    if column in AMOUNTS:
        return str(value)
    if column in TIMES:
        return datetime.fromtimestamp(value, UTC).isoformat().replace("+00:00", "Z")
    return value["id"] if column in REFERENCES and isinstance(value, dict) else value


def test_every_official_example_maps_column_by_column(prepare, pure, fixtures):
    document = json.loads((fixtures / "stripe/openapi_fixtures3.json").read_text())
    found = [item for item in examples(document) if item["object"] in RESOURCE_OF_TYPE]
    counts: Counter[str] = Counter()
    for example in found:
        resource = RESOURCE_OF_TYPE[example["object"]]
        rows = prepare("stripe", resource, answer(example))
        assert list(rows) == [f"stripe_{resource}"], example["id"]
        [row] = rows[f"stripe_{resource}"]
        counts[resource] += 1
        record = json.loads(row.pop("record"))
        assert record.keys() == example.keys()
        assert row == {column: mapped(example, column, pure.pseudonym) for column in row}
        assert {"id", "created", "livemode", "account", "api_version"} < row.keys()
    assert counts == dict.fromkeys(TABLES, 1) | {"customers": 4}
    assert document["resources"]["deleted_customer"] in found


def test_what_stripe_does_not_document_is_listed_and_kept(prepare):
    first, second = charge(id="ch_1"), charge(id="ch_2", loyalty={"points": 5})
    rows = prepare("stripe", "charges", page(first, second, charge(id="ch_3", loyalty=None, colour="red")))
    assert [row["id"] for row in rows["stripe_charges"]] == ["ch_1", "ch_2", "ch_3"]
    assert json.loads(rows["stripe_charges"][1]["record"])["loyalty"] == {"points": 5}
    listed = [
        {key: row[key] for key in ("field", "json_type", "records", "first_line")} for row in rows["schema_changes"]
    ]
    assert listed == [
        {"field": "colour", "json_type": "string", "records": 1, "first_line": 3},
        {"field": "loyalty", "json_type": "object", "records": 2, "first_line": 2},
    ]


def test_the_known_fields_are_those_of_the_library_in_use():
    """Its classes are generated from Stripe's OpenAPI description, in the version that is pinned."""
    assert stripe.api_version == load_config().sources.stripe.api_version
    classes = {table.resource: getattr(stripe, table.object_type.title().replace("_", "")) for table in TABLES.values()}
    documented = {name: set(kind.__annotations__) - {"OBJECT_NAME"} for name, kind in classes.items()}
    assert known_fields() == documented


def test_a_deleted_customer_that_an_event_named_is_kept_beside_what_it_was(prepare, pure):
    line = json.loads(answer({"id": "cus_QXg1", "object": "customer", "deleted": True})) | {"created": CREATED}
    [row] = prepare("stripe", "customers", json.dumps(line).encode())["stripe_customers"]
    assert (row["created"], row["_event_date"], row["deleted"]) == ("2026-10-05T11:33:20Z", "2026-10-05", True)
    line["created"] = CREATED - 86_400
    [row] = prepare("stripe", "customers", json.dumps(line).encode())["stripe_customers"]
    assert row["_event_date"] == "2026-10-04"


def test_an_object_that_states_no_mode_has_that_of_the_key(prepare):
    assert [live_mode(key) for key in ("rk_live_1", "sk_test_1", "rk_other", "x")] == [True, False, None, None]
    refund = {"id": "re_1", "object": "refund", "amount": 5, "created": CREATED, "currency": "usd"}
    line = json.loads(page(refund, refund | {"id": "re_2", "livemode": True})) | {"livemode": False}
    rows = prepare("stripe", "refunds", json.dumps(line).encode())["stripe_refunds"]
    assert [(row["id"], row["livemode"]) for row in rows] == [("re_1", False), ("re_2", True)]
