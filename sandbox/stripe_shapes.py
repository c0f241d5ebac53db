"""Builders of Stripe's customers, payment intents and charges, field for field as the pinned API version renders them.

Amounts are ints in the currency's minor units (usd 2, jpy 0, kwd 3 decimals); times are unix seconds.
"""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from typing import Any

API_VERSION = "2026-08-26.dahlia"
Object = dict[str, Any]

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
# Stripe ids carry the account's own fragment in their middle; one account, one fragment.
ACCOUNT_PART = "Qk7RwLs2Es"


class Ids:
    """Hands out ids of Stripe's form, in a fixed order for a given generator."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def _text(self, length: int) -> str:
        return "".join(self._rng.choices(_BASE62, k=length))

    def new(self, prefix: str) -> str:
        """An id such as ``txn_1`` + 23 characters."""
        return f"{prefix}_1{self._text(5)}{ACCOUNT_PART}{self._text(8)}"

    def customer(self) -> str:
        return f"cus_{self._text(14)}"

    def payment(self) -> tuple[str, str]:
        """The ids of a payment intent and its charge: they share their first half."""
        head = f"3{self._text(5)}{ACCOUNT_PART}"
        return f"pi_{head}2{self._text(7)}", f"ch_{head}2{self._text(7)}"

    def request(self) -> str:
        return f"req_{self._text(14)}"


@dataclass(frozen=True)
class Payer:
    """A platform user who pays by card, known from `since` (unix seconds) on. `name` and `email` are personal."""

    uid: str
    name: str
    email: str
    since: int = 0


@dataclass(frozen=True)
class Card:
    """The card a customer pays with."""

    payment_method: str
    brand: str
    last4: str
    country: str
    fingerprint: str


_NO_ADDRESS = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


def customer(customer_id: str, payer: Payer, created: int, currency: str) -> Object:
    return {
        "id": customer_id,
        "object": "customer",
        "address": dict(_NO_ADDRESS),
        "balance": 0,
        "created": created,
        "currency": currency,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": payer.email,
        "invoice_prefix": customer_id[-8:].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": True,
        "metadata": {"uid": payer.uid},
        "name": payer.name,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def payment_intent(intent_id: str, customer_id: str, amount: int, currency: str, created: int, product: str) -> Object:
    """A payment intent as it is right after its creation, before the charge."""
    return {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{intent_id}_secret_{intent_id[-8:]}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": customer_id,
        "customer_account": None,
        "description": product,
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": True,
        "metadata": {"product": product},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"installments": None, "network": None}},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }


def charge(
    charge_id: str, intent: Object, card: Card, payer: Payer, created: int, decline_code: str | None = None
) -> Object:
    """A charge of an intent: captured at once, or declined when `decline_code` is given."""
    failed = decline_code is not None
    amount = intent["amount"]
    return {
        "id": charge_id,
        "object": "charge",
        "amount": amount,
        "amount_captured": 0 if failed else amount,
        "amount_refunded": 0,
        "application": None,
        "application_fee": None,
        "application_fee_amount": None,
        "balance_transaction": None,
        "billing_details": {
            "address": {**_NO_ADDRESS, "country": card.country},
            "email": payer.email,
            "name": payer.name,
            "phone": None,
            "tax_id": None,
        },
        "calculated_statement_descriptor": "SKILL MATCH",
        "captured": not failed,
        "created": created,
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_balance_transaction": None,
        "failure_code": "card_declined" if failed else None,
        "failure_message": "Your card was declined." if failed else None,
        "fraud_details": {},
        "livemode": True,
        "metadata": dict(intent["metadata"]),
        "on_behalf_of": None,
        "outcome": {
            "advice_code": "try_again_later" if failed else None,
            "network_advice_code": None,
            "network_decline_code": "05" if failed else None,
            "network_status": "declined_by_network" if failed else "approved_by_network",
            "reason": decline_code,
            "risk_level": "normal",
            "seller_message": "The bank did not return any further details with this decline."
            if failed
            else "Payment complete.",
            "type": "issuer_declined" if failed else "authorized",
        },
        "paid": not failed,
        "payment_intent": intent["id"],
        "payment_method": card.payment_method,
        "payment_method_details": {
            "card": {
                "amount_authorized": None if failed else amount,
                "authorization_code": None,
                "brand": card.brand,
                "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
                "country": card.country,
                "exp_month": 8,
                "exp_year": 2029,
                "extended_authorization": {"status": "disabled"},
                "fingerprint": card.fingerprint,
                "funding": "credit",
                "incremental_authorization": {"status": "unavailable"},
                "installments": None,
                "last4": card.last4,
                "mandate": None,
                "multicapture": {"status": "unavailable"},
                "network": card.brand,
                "network_token": {"used": False},
                "network_transaction_id": None,
                "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
                "regulated_status": "unregulated",
                "three_d_secure": None,
                "wallet": None,
            },
            "type": "card",
        },
        "receipt_email": None,
        "receipt_number": None,
        "receipt_url": None if failed else f"https://pay.stripe.com/receipts/payment/{charge_id[-12:]}",
        "refunded": False,
        "review": None,
        "shipping": None,
        "source_transfer": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "failed" if failed else "succeeded",
        "transfer_data": None,
        "transfer_group": None,
    }
