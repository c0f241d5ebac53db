"""A simulated Stripe account: card payments for coin packs and passes, with everything that follows from them.

`simulate` returns the account as it stands at the end of the window, the events that led there and an
independent tally (M21) that was counted while the payments happened, not read back from the objects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sandbox import stripe_movements as move
from sandbox import stripe_shapes as shape
from sandbox.payments_account import DAY, Account, Payments
from sandbox.stripe_shapes import Card, Object, Payer

# Per currency: payments a day (least, most), products with price in minor units, fee in 1/1000 and fixed part,
# fee of a dispute. Stripe wants three-decimal amounts (kwd) rounded to ten.
_MARKETS = {
    "usd": (
        (38, 46),
        (("coin pack S", 499), ("coin pack M", 1999), ("coin pack L", 4999), ("season pass", 999)),
        29,
        30,
    ),
    "jpy": ((4, 6), (("coin pack S", 800), ("coin pack M", 3000), ("season pass", 1500)), 36, 0),
    "kwd": ((2, 3), (("coin pack M", 6050), ("season pass", 3080)), 29, 100),
}
_DISPUTE_FEE = {"usd": 1500, "jpy": 1500}
_DECLINES = ("insufficient_funds", "generic_decline", "do_not_honor")


def simulate(payers: Sequence[Payer], start: int, end: int, seed: int) -> Payments:
    """Run the account from `start` to `end` (unix seconds, whole UTC days) for `payers` (at least one)."""
    run = _Run(payers, start, end, seed)
    run.plan()
    return run.finish()


class _Run(Account):
    """What happens on the account, and when."""

    def plan(self) -> None:
        for number, midnight in enumerate(range(self.start, self.end, DAY)):
            self.at(midnight + 720, self.pay_out)
            for currency, ((least, most), _, _, _) in _MARKETS.items():
                for _ in range(self.rng.randint(least, most)):
                    # The last half hour stays free, so that every webhook is handled inside the window.
                    self.at(midnight + self.rng.randint(1200, DAY - 1800), self._payment(currency))
            for _ in range(self.rng.randint(2, 4)):
                self.at(midnight + self.rng.randint(1200, DAY - 1800), self._payment("usd", failing=True))
            for share, count in ((100, 2), (40, 1)):
                for _ in range(count):
                    self.at(midnight + self.rng.randint(50_000, DAY - 1800), self._refund("usd", share))
            if number == 1:
                self.at(midnight + 61_000, self._refund("kwd", 50))
                self.at(midnight + 70_000, self._dispute("usd", "fraudulent", "won", midnight + DAY + 40_000))
            if number == 0:
                self.at(midnight + 80_000, self._dispute("jpy", "product_not_received", "lost", midnight + 3 * DAY))

    def customer_of(self, payer: Payer, when: int, currency: str) -> tuple[str, Card]:
        if payer.uid not in self.customers:
            brand = self.rng.choice(("visa", "mastercard", "amex"))
            card = Card(
                payment_method=self.ids.new("pm"),
                brand=brand,
                last4=f"{self.rng.randint(0, 9999):04d}",
                country={"usd": "US", "jpy": "JP", "kwd": "KW"}[currency],
                fingerprint=self.ids.new("x")[3:19],
            )
            customer = self.add("customers", shape.customer(self.ids.customer(), payer, when, currency))
            self.customers[payer.uid] = (customer["id"], card)
            self.announce(when, "customer.created", customer, api=True)
        return self.customers[payer.uid]

    def _payment(self, currency: str, failing: bool = False) -> Callable[[int], None]:
        _, products, permille, fixed = _MARKETS[currency]

        def pay(when: int) -> None:
            known = [payer for payer in self.payers if payer.since < when]
            if not known:
                return
            payer = self.rng.choice(known)
            customer_id, card = self.customer_of(payer, when, currency)
            product, price = self.rng.choice(products)
            intent_id, charge_id = self.ids.payment()
            intent = shape.payment_intent(intent_id, customer_id, price, currency, when, product)
            self.add("payment_intents", intent)
            self.announce(when, "payment_intent.created", intent, api=True)
            made = when + self.rng.randint(0, 20)  # the user confirms in the page
            decline = self.rng.choice(_DECLINES) if failing else None
            charge = shape.charge(charge_id, intent, card, payer, made, decline)
            self.payer_of[charge_id] = payer
            intent |= {"latest_charge": charge_id, "payment_method": None if failing else card.payment_method}
            self.at(made, lambda _: self._settle(charge, intent, permille, fixed))

        return pay

    def _settle(self, charge: Object, intent: Object, permille: int, fixed: int) -> None:
        when, currency, amount = charge["created"], charge["currency"], charge["amount"]
        self.add("charges", charge)
        if charge["status"] == "failed":
            intent["last_payment_error"] = {
                "advice_code": "try_again_later",
                "charge": charge["id"],
                "code": "card_declined",
                "decline_code": charge["outcome"]["reason"],
                "doc_url": "https://docs.stripe.com/error-codes#card-declined",
                "message": "Your card was declined.",
                "type": "card_error",
            }
            self.count(when, currency, failed_payments=1)
            self.announce(when, "charge.failed", charge, api=True)
            self.announce(when, "payment_intent.payment_failed", intent, api=True)
            return
        fee = (amount * permille + 500) // 1000 + fixed
        txn = self.book(
            when, charge, amount, fee, ("charge", "charge"), charge["description"], "Stripe processing fees"
        )
        charge["balance_transaction"] = txn["id"]
        intent |= {"status": "succeeded", "amount_received": amount}
        self.count(when, currency, gross=amount, fees=fee, net=amount - fee, charges_succeeded=1)
        self.announce(when, "charge.succeeded", charge, api=True)
        self.announce(when, "payment_intent.succeeded", intent, api=True)

    def _pick(self, currency: str, when: int) -> Object | None:
        """A paid charge of the last day and a half that nothing has happened to yet."""
        free = [
            charge
            for charge in self.out.objects["charges"]
            if charge["currency"] == currency
            and charge["paid"]
            and not charge["amount_refunded"]
            and not charge["disputed"]
            and when - charge["created"] < DAY * 3 // 2
        ]
        return self.rng.choice(free) if free else None

    def _refund(self, currency: str, percent: int) -> Callable[[int], None]:
        def give_back(when: int) -> None:
            charge = self._pick(currency, when)
            if charge is None:
                return
            amount = charge["amount"] * percent // 100
            amount -= amount % 10 if currency == "kwd" else 0
            refund = move.refund(self.ids.new("re"), charge, amount, when)
            self.payer_of[refund["id"]] = self.payer_of[charge["id"]]
            label = f"REFUND FOR CHARGE ({charge['description']})"
            refund["balance_transaction"] = self.book(when, refund, -amount, 0, ("refund", "refund"), label)["id"]
            self.add("refunds", refund)
            before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
            charge["amount_refunded"] += amount
            charge["refunded"] = charge["amount_refunded"] == charge["amount"]
            self.count(when, currency, refunds=amount, net=-amount)
            self.announce(when, "refund.created", refund, api=True)
            self.announce(when, "charge.refunded", charge, before, api=True)

        return give_back

    def _dispute(self, currency: str, reason: str, outcome: str, closes: int) -> Callable[[int], None]:
        def open_dispute(when: int) -> None:
            charge = self._pick(currency, when)
            if charge is None:
                return
            payer = self.payer_of[charge["id"]]
            due_by = when - when % DAY + 8 * DAY - 1
            dispute = move.dispute(self.ids.new("dp"), charge, reason, when, due_by, payer)
            dispute["payment_method_details"]["card"]["brand"] = charge["payment_method_details"]["card"]["brand"]
            self.add("disputes", dispute)
            charge["disputed"] = True
            self.changed(when, charge)
            amount, fee = charge["amount"], _DISPUTE_FEE[currency]
            self.count(when, currency, disputes_opened=1, dispute_amount=amount, fees=fee, net=-amount - fee)
            # Won and lost are counted on the day the dispute was opened: a rate's parts share one day.
            self.count(when, currency, **{f"disputes_{outcome}": 1})
            text = f"Chargeback withdrawal for {charge['id']}"
            txn = self.book(when, dispute, -amount, fee, ("adjustment", "dispute"), text, "Dispute fee")
            dispute["balance_transactions"].append(txn)
            self.announce(when, "charge.dispute.created", dispute)
            self.announce(when, "charge.dispute.funds_withdrawn", dispute)
            self.at(when + 5 * 3600, lambda now: self._answer(now, dispute))
            self.at(closes, lambda now: self._close(now, dispute, outcome, fee))

        return open_dispute

    def _answer(self, when: int, dispute: Object) -> None:
        dispute["status"] = "under_review"
        dispute["evidence_details"] |= {"has_evidence": True, "submission_count": 1}
        self.announce(when, "charge.dispute.updated", dispute, {"status": "needs_response"}, api=True)

    def _close(self, when: int, dispute: Object, outcome: str, fee: int) -> None:
        dispute["status"] = outcome
        self.announce(when, "charge.dispute.closed", dispute, {"status": "under_review"})
        if outcome != "won":
            return
        amount, currency = dispute["amount"], dispute["currency"]
        text = f"Chargeback reversal for {dispute['charge']}"
        txn = self.book(when, dispute, amount, -fee, ("adjustment", "dispute_reversal"), text, "Dispute fee refund")
        dispute["balance_transactions"].append(txn)
        self.count(when, currency, dispute_reversed=amount, fees=-fee, net=amount + fee)
        self.announce(when, "charge.dispute.funds_reinstated", dispute)

    def pay_out(self, when: int) -> None:
        """Send what has become available to the bank, one payout per currency."""
        for currency in _MARKETS:
            due = [
                txn
                for txn in self.out.objects["balance_transactions"]
                if txn["currency"] == currency
                and txn["type"] != "payout"
                and txn["available_on"] <= when
                and txn["id"] not in self.out.payout_of
            ]
            amount = sum(txn["net"] for txn in due)
            if amount <= 0:
                continue
            arrival = when - when % DAY + DAY
            payout = move.payout(self.ids.new("po"), "", amount, currency, when, arrival)
            txn = self.book(when, payout, -amount, 0, ("payout", "payout"), "STRIPE PAYOUT")
            payout["balance_transaction"] = txn["id"]
            self.add("payouts", payout)
            self.out.payout_of |= {moved["id"]: payout["id"] for moved in [*due, txn]}
            self.count(when, currency, payouts=amount)
            self.announce(when, "payout.created", payout)
            self.at(arrival + 300, lambda now, payout=payout: self._arrive(now, payout))

    def _arrive(self, when: int, payout: Object) -> None:
        payout["status"] = "paid"
        self.announce(when, "payout.paid", payout, {"status": "in_transit"})
