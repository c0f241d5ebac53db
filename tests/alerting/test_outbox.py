"""The outbox's decisions as pure functions: what is due, when it is tried again, who stands in."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from alerting_kit import NOON, minute
from test_channels import MESSAGE

from alerting.outbox import Entry, after_failure, due, stand_in
from warehouse.config_alerting import Outbox

RULES = Outbox()
ENTRY = Entry(MESSAGE, "page", "key", NOON, ("page", "chat", "mail"), position=1)


def entry(name: str, channel: str = "page", thread: str = "t", **more) -> Entry:
    message = replace(MESSAGE, notification_id=name, dedup_key=thread)
    return Entry(message, channel, "key", NOON, ("page", "chat", "mail"), **more)


def names(entries: list[Entry]) -> list[str]:
    return [entry.message.notification_id for entry in entries]


def test_a_resolution_never_overtakes_what_it_resolves():
    fired = entry("fired", position=1, state="failed", next_attempt_at=minute(2))
    over = entry("over", position=2)
    other = entry("other", thread="u", position=3)
    elsewhere = entry("over", channel="chat", position=2)
    assert names(due([over, other, fired, elsewhere], NOON)) == ["over", "other"]
    assert [e.channel for e in due([over, other, fired, elsewhere], NOON)] == ["chat", "page"]
    assert names(due([over, other, fired], minute(2))) == ["fired", "over", "other"]
    assert names(due([over, other, fired], minute(2), {fired.identity})) == ["other"]


def test_what_another_process_sends_is_left_until_its_lease_ends():
    sending = entry("a", state="sending", lease_until=minute(5))
    assert due([sending, entry("b", position=9)], minute(4.9)) == []
    assert names(due([sending], minute(5))) == ["a"]


def test_pauses_double_up_to_an_hour_and_then_it_is_given_up():
    failed, pauses = ENTRY, []
    while failed.state != "abandoned":
        failed = after_failure(failed, "no", None, NOON, RULES)
        pauses.append((failed.next_attempt_at - NOON).total_seconds())
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600, 3600]
    assert (failed.attempts, failed.error) == (12, "no")


def test_the_channels_own_wait_counts_when_it_is_longer():
    assert after_failure(ENTRY, "no", 7.5, NOON, RULES).next_attempt_at == NOON + timedelta(seconds=30)
    assert after_failure(ENTRY, "no", 90.5, NOON, RULES).next_attempt_at == NOON + timedelta(seconds=90.5)


def test_the_next_channel_stands_in_after_two_failures_or_a_lasting_one_and_only_once():
    once = after_failure(ENTRY, "no", None, NOON, RULES)
    twice = after_failure(once, "no", None, NOON, RULES)
    thrice = after_failure(twice, "no", None, NOON, RULES)
    assert stand_in(once, False, NOON, RULES) is None
    other = stand_in(twice, False, minute(1), RULES)
    assert (other.channel, other.instead_of, other.chain, other.position) == ("chat", "page", ("chat", "mail"), 1)
    assert other.message.notification_id == "k:firing~page:t"
    assert other.message.dedup_key == MESSAGE.dedup_key
    assert other.message.notes == ("Channel page didn't take this notification; it is told here instead",)
    assert stand_in(thrice, False, NOON, RULES) is None
    assert stand_in(once, True, NOON, RULES).channel == "chat"
    assert stand_in(twice, True, NOON, RULES).identity == stand_in(once, True, NOON, RULES).identity


def test_after_the_last_channel_comes_the_first_and_a_lone_one_has_none():
    last = after_failure(replace(ENTRY, channel="mail"), "no", None, NOON, RULES)
    assert stand_in(last, True, NOON, RULES).channel == "page"
    assert stand_in(last, True, NOON, RULES).chain == ("page", "chat")
    lone = after_failure(replace(ENTRY, chain=("page",)), "no", None, NOON, RULES)
    assert stand_in(lone, True, NOON, RULES) is None
