"""Builders of Stripe's money movements: balance transactions, refunds, disputes, payouts, and events."""

from __future__ import annotations

from sandbox.stripe_shapes import ACCOUNT_PART, API_VERSION, Object, Payer


def balance_transaction(
    txn_id: str,
    source: str,
    amount: int,
    fee: int,
    currency: str,
    created: int,
    available_on: int,
    kind: tuple[str, str],
    texts: tuple[str, str | None],
) -> Object:
    """One movement of the account's balance.

    `kind` is (type, reporting_category); `texts` is (description, fee description). `net` = `amount` - `fee`.
    """
    fee_detail = {"amount": fee, "application": None, "currency": currency, "description": texts[1]}
    return {
        "id": txn_id,
        "object": "balance_transaction",
        "amount": amount,
        "available_on": available_on,
        "balance_type": "payments",
        "created": created,
        "currency": currency,
        "description": texts[0],
        "exchange_rate": None,
        "fee": fee,
        "fee_details": [{**fee_detail, "type": "stripe_fee"}] if fee else [],
        "net": amount - fee,
        "reporting_category": kind[1],
        "source": source,
        "status": "pending" if available_on > created else "available",
        "type": kind[0],
    }


def refund(refund_id: str, paid: Object, amount: int, created: int) -> Object:
    """A refund of `amount` minor units of the charge `paid`."""
    return {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": paid["id"],
        "created": created,
        "currency": paid["currency"],
        "destination_details": {
            "card": {"reference_status": "pending", "reference_type": "acquirer_reference_number", "type": "refund"},
            "type": "card",
        },
        "metadata": {},
        "payment_intent": paid["payment_intent"],
        "reason": "requested_by_customer",
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }


_EVIDENCE = [
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
]


def dispute(dispute_id: str, paid: Object, reason: str, created: int, due_by: int, payer: Payer) -> Object:
    """A chargeback of the whole charge `paid`, waiting for the platform's answer."""
    evidence: Object = dict.fromkeys(_EVIDENCE)
    evidence |= {"customer_email_address": payer.email, "customer_name": payer.name, "enhanced_evidence": {}}
    return {
        "id": dispute_id,
        "object": "dispute",
        "amount": paid["amount"],
        "balance_transactions": [],
        "charge": paid["id"],
        "created": created,
        "currency": paid["currency"],
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {
            "due_by": due_by,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": False,
        "livemode": True,
        "metadata": {},
        "payment_intent": paid["payment_intent"],
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "chargeback", "network_reason_code": "10.4"},
            "type": "card",
        },
        "reason": reason,
        "status": "needs_response",
    }


def payout(payout_id: str, txn_id: str, amount: int, currency: str, created: int, arrival_date: int) -> Object:
    """An automatic payout on its way to the bank; `amount` is positive."""
    return {
        "id": payout_id,
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": arrival_date,
        "automatic": True,
        "balance_transaction": txn_id,
        "created": created,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": f"ba_1{ACCOUNT_PART}{currency.upper()}Escrow0001",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": True,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "in_transit",
        "trace_id": None,
        "type": "bank_account",
    }


def event(event_id: str, kind: str, created: int, obj: Object, previous: Object | None, request: str | None) -> Object:
    """A change as Stripe announces it; `obj` is the object as it was right after the change."""
    return {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": {"object": obj} if previous is None else {"object": obj, "previous_attributes": previous},
        "livemode": True,
        "pending_webhooks": 0,
        "request": {"id": request, "idempotency_key": None},
        "type": kind,
    }
