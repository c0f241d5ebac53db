"""Channels against what they really talk to: a file, HTTP servers and a mail server on loopback."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from service_schemas import DiscordMessage, PagerDutyEvent, TelegramMessage
from smtp_receiver import Mailbox, mail_server
from webhook_receiver import Receiver, receiving

from alerting.channels import Channel, FileChannel, build_channels
from alerting.http import DeliveryError, retry_after
from alerting.message import Item, Message
from alerting.pace import Pace
from warehouse import config_alerting as sections
from warehouse.config import Embedded, load_config

KEY = "0123456789abcdef0123456789abcdef"
TOKEN = "1234:very-secret-part"
ITEM = Item(
    rule="escrow_mismatch",
    severity="critical",
    state="firing",
    summary="Vault 3br6 is off by <1> base unit ≠ 0 @everyone",
    since="2026-10-05T12:00:00Z",
    resolved="",
    window="2026-10-05T00:00:00Z/2026-10-06T00:00:00Z",
    labels={"vault": "3br6"},
    figures={"difference": "-1"},
    runbook="https://docs.example/escrow-mismatch.md",
    rows="marts.escrow_reconciliation",
    alert_key="0123456789ab",
)
MESSAGE = Message(
    notification_id="k:firing:t",
    dedup_key="thread-1",
    kind="firing",
    severity="critical",
    title="CRITICAL: escrow_mismatch",
    at="2026-10-05T12:01:00Z",
    alerts=1,
    items=(ITEM,),
    still_open=1,
    unacknowledged=1,
)
RESOLVED = replace(
    MESSAGE, notification_id="k:resolved:t", kind="resolved", title="RESOLVED: escrow_mismatch", still_open=0
)
LONG = Item(**{
    **vars(ITEM),
    "summary": "<&" * 500,
    "labels": {f"label_{n}": "v" * 500 for n in range(40)},
    "figures": {f"figure_{n}": "w&" * 250 for n in range(40)},
})  # fmt: skip
SHORTER = replace(LONG, figures={f"figure_{n}": "w&" * 50 for n in range(10)}, labels={"vault": "v" * 100})
HUGE = [
    replace(MESSAGE, items=(LONG,)),
    replace(MESSAGE, items=(SHORTER,) * 20, alerts=400, notes=("n" * 900, "m" * 900), title="t" * 500),
]


def build(receiver: Receiver | None, **entry) -> Channel:
    """The channel of a configuration entry, its secrets pointing at the receiver."""
    held = {"URL": receiver.url if receiver else None, "TOKEN": TOKEN, "KEY": KEY, "SIGNING": "s3cret"}
    base = {"api_base": receiver.base} if receiver and entry["type"] in ("pagerduty", "telegram") else {}
    config = load_config(Path("config/warehouse.yml")).model_dump()
    config |= {"channels": [{"name": "oncall", **base, **entry}]}
    from warehouse.config import Config

    return build_channels(Config.model_validate(config), held.get)["oncall"]


KINDS = {
    "slack": {"type": "slack_webhook", "url_env": "URL"},
    "discord": {"type": "discord", "url_env": "URL"},
    "telegram": {"type": "telegram", "token_env": "TOKEN", "chat_id": "-100200300"},
    "pagerduty": {"type": "pagerduty", "routing_key_env": "KEY"},
    "webhook": {"type": "webhook", "url_env": "URL", "key_env": "SIGNING"},
}


def test_pagerduty_triggers_acknowledges_and_resolves_on_the_same_key():
    taken = replace(MESSAGE, kind="acknowledged", unacknowledged=0)
    with receiving() as receiver:
        receiver.usual = (202, {}, '{"status": "success", "message": "Event processed", "dedup_key": "thread-1"}')
        channel = build(receiver, **KINDS["pagerduty"])
        for message in (MESSAGE, taken, RESOLVED):
            channel.send(message)
    events = [PagerDutyEvent.model_validate(body) for body in receiver.bodies()]
    assert [(event.event_action, event.dedup_key, event.routing_key) for event in events] == [
        ("trigger", "thread-1", KEY), ("acknowledge", "thread-1", KEY), ("resolve", "thread-1", KEY),
    ]  # fmt: skip
    assert {request["path"] for request in receiver.requests} == {"/v2/enqueue"}
    payload = events[0].payload
    assert payload.summary == f"CRITICAL: escrow_mismatch - {ITEM.summary}"
    assert (payload.severity, payload.source) == ("critical", "escrow-warehouse/skill_match")
    assert payload.custom_details["items"][0]["figures"] == {"difference": "-1"}
    assert payload.custom_details["items"][0]["since"] == "2026-10-05T12:00:00Z"
    assert [str(link.href) for link in events[0].links] == ["https://docs.example/escrow-mismatch.md"]


def test_pagerduty_keeps_an_incident_open_while_another_alert_of_it_is():
    part = replace(RESOLVED, still_open=1)
    some = replace(MESSAGE, kind="acknowledged", unacknowledged=2)
    with receiving() as receiver:
        channel = build(receiver, **KINDS["pagerduty"])
        channel.send(part)
        channel.send(some)
    assert [body["event_action"] for body in receiver.bodies()] == ["trigger", "trigger"]


def test_discord_gets_an_embed_that_mentions_nobody():
    with receiving() as receiver:
        receiver.usual = (204, {}, "")
        build(receiver, **KINDS["discord"]).send(MESSAGE)
    message = DiscordMessage.model_validate(receiver.bodies()[0])
    (embed,) = message.embeds
    assert message.allowed_mentions.parse == []
    assert (embed.title, embed.description) == ("CRITICAL: escrow_mismatch", ITEM.summary)
    assert {field.name: field.value for field in embed.fields} == {
        "Severity": "critical", "Since": "2026-10-05T12:00:00Z",
        "Window": "2026-10-05T00:00:00Z/2026-10-06T00:00:00Z", "Runbook": "https://docs.example/escrow-mismatch.md",
        "Rows": "marts.escrow_reconciliation", "Vault": "3br6", "Difference": "-1",
    }  # fmt: skip


def test_telegram_gets_escaped_html_at_the_bots_address():
    with receiving() as receiver:
        receiver.usual = (200, {}, '{"ok": true, "result": {}}')
        build(receiver, **KINDS["telegram"]).send(MESSAGE)
    (request,) = receiver.requests
    assert request["path"] == f"/bot{TOKEN}/sendMessage"
    message = TelegramMessage.model_validate(request["body"])
    assert message.chat_id == "-100200300"
    assert message.text.split("\n") == [
        "<b>CRITICAL: escrow_mismatch</b>",
        "Vault 3br6 is off by &lt;1&gt; base unit ≠ 0 @everyone",
        "Runbook: https://docs.example/escrow-mismatch.md",
        "Rows: marts.escrow_reconciliation",
        "<b>Since</b>: 2026-10-05T12:00:00Z",
        "<b>Window</b>: 2026-10-05T00:00:00Z/2026-10-06T00:00:00Z",
        "<b>Vault</b>: 3br6",
        "<b>Difference</b>: -1",
    ]


def test_slack_gets_text_and_blocks():
    with receiving() as receiver:
        build(receiver, **KINDS["slack"]).send(MESSAGE)
    (request,) = receiver.requests
    assert request["type"] == "application/json;charset=utf-8"
    assert request["body"]["text"] == f"CRITICAL: escrow_mismatch - {ITEM.summary}"
    assert [block["type"] for block in request["body"]["blocks"]] == [
        "header", "section", "section", "section", "section", "context",
    ]  # fmt: skip


def test_webhook_signs_time_and_body():
    with receiving() as receiver:
        build(receiver, **KINDS["webhook"]).send(MESSAGE)
    (request,) = receiver.requests
    headers = request["headers"]
    signed = f"{headers['X-Alert-Timestamp']}.".encode() + request["raw"]
    expected = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
    assert headers["X-Alert-Signature"] == f"sha256={expected}"
    assert headers["Idempotency-Key"] == "k:firing:t"
    assert abs(int(headers["X-Alert-Timestamp"]) - datetime.now(UTC).timestamp()) < 60
    assert request["body"]["items"][0]["figures"] == {"difference": "-1"}


@pytest.mark.parametrize("message", HUGE)
def test_even_a_huge_message_keeps_the_services_limits(message):
    with receiving() as receiver:
        for kind in ("pagerduty", "discord", "telegram"):
            build(receiver, **KINDS[kind]).send(message)
    pagerduty, discord, telegram = receiver.bodies()
    PagerDutyEvent.model_validate(pagerduty)
    assert len(json.dumps(pagerduty)) < 512_000
    DiscordMessage.model_validate(discord)
    text = TelegramMessage.model_validate(telegram).text
    assert text.count("<b>") == text.count("</b>")  # cut between lines, not in a tag
    assert not text.replace("&lt;", "").replace("&amp;", "").replace("&gt;", "").count("&")


@pytest.mark.parametrize("kind", KINDS)
def test_a_refusal_says_whether_to_come_back_and_holds_no_secret(kind, caplog):
    caplog.set_level(logging.DEBUG)
    with receiving() as receiver:
        channel = build(receiver, **KINDS[kind])
        echo = {"telegram": TOKEN, "pagerduty": KEY, "webhook": f"{receiver.url} s3cret"}.get(kind, receiver.url)
        receiver.answers = [(429, {"Retry-After": "7"}, "slow down"), (503, {}, ""), (404, {}, echo)]
        errors = []
        for _ in range(3):
            with pytest.raises(DeliveryError) as error:
                channel.send(MESSAGE)
            errors.append(error.value)
    assert [(str(error).split(": ")[1], error.retry_after, error.lasting) for error in errors] == [
        ("HTTP 429", 7.0, False), ("HTTP 503", None, False), ("HTTP 404", None, True),
    ]  # fmt: skip
    assert len(receiver.requests) == 3  # repeats are the outbox's
    for secret in ("very-secret-part", KEY, "s3cret"):
        assert secret not in caplog.text
        assert secret not in str(errors)


def test_the_wait_that_a_body_names_counts_too():
    with receiving() as receiver:
        receiver.answers = [
            (429, {}, '{"message": "You are being rate limited.", "retry_after": 64.57, "global": false}'),
            (429, {}, '{"ok": false, "error_code": 429, "parameters": {"retry_after": 12}}'),
        ]
        waits = []
        for kind in ("discord", "telegram"):
            with pytest.raises(DeliveryError) as error:
                build(receiver, **KINDS[kind]).send(MESSAGE)
            waits.append(error.value.retry_after)
    assert waits == [64.57, 12.0]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("5", 5), ("0.5", 0.5), ("-3", 0), ("nan", None), ("soon", None), (None, None), ("999999999", 86400),
     ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after(header) == seconds


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_reached_is_one_line_without_its_address(kind, caplog):
    caplog.set_level(logging.DEBUG)
    with receiving() as receiver:
        channel = build(receiver, **KINDS[kind])
    with pytest.raises(DeliveryError, match=r"^channel oncall: (ConnectError|URLError) while posting$"):
        channel.send(MESSAGE)
    assert "very-secret-part" not in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_channel_without_its_secret_says_which_variable(kind):
    channel = build(None, **KINDS[kind])
    channel._lookup = lambda _: None
    with pytest.raises(DeliveryError, match=r"^channel oncall: (URL|TOKEN|KEY|SIGNING) is not set$") as error:
        channel.send(MESSAGE)
    assert error.value.lasting


def test_an_address_that_is_none_is_not_shown():
    channel = build(None, **KINDS["slack"])
    channel._lookup = lambda _: "hooks.example/secret"
    with pytest.raises(DeliveryError, match=r"^channel oncall: URL is not a web address$"):
        channel.send(MESSAGE)


def letterbox(box: Mailbox, **more) -> Channel:
    return build(
        None, type="email", host="127.0.0.1", port=box.port, security="none", sender="alerts@warehouse.example",
        to=["oncall@ops.example", "lead@ops.example"], **more,
    )  # fmt: skip


def test_mail_arrives_whole_and_in_its_thread():
    with mail_server() as box:
        for message in (MESSAGE, MESSAGE, RESOLVED):
            letterbox(box).send(message)
    first, again, last = box.mails
    assert box.envelopes[0] == ("alerts@warehouse.example", ["oncall@ops.example", "lead@ops.example"])
    # The standard library's parser doubles the space between encoded and plain words.
    assert " ".join(first["Subject"].split()) == f"CRITICAL: escrow_mismatch - {ITEM.summary}"
    text = first.get_content()
    for part in ("Difference: -1", "Since: 2026-10-05T12:00:00Z", "Window: 2026-10-05T00:00:00Z/", "Vault: 3br6",
                 "Runbook: https://docs.example/escrow-mismatch.md", "Rows: marts.escrow_reconciliation"):  # fmt: skip
        assert part in text
    assert first["Message-ID"] == again["Message-ID"] != last["Message-ID"]
    assert first["References"] == last["References"]


@pytest.mark.parametrize(
    ("refuse", "message", "lasting"),
    [
        ({"MAIL": "451 later"}, "channel oncall: SMTP 451", False),
        ({"DATA": "554 no"}, "channel oncall: SMTP 554", True),
        ({"RCPT": "550 unknown oncall@ops.example"}, "channel oncall: SMTPRecipientsRefused while sending", False),
    ],
)
def test_mail_that_is_refused_is_one_line_without_an_address(refuse, message, lasting):
    with mail_server() as box:
        box.refuse = refuse
        with pytest.raises(DeliveryError) as error:
            letterbox(box).send(MESSAGE)
    assert (str(error.value), error.value.lasting) == (message, lasting)
    assert box.mails == []


def test_mail_to_a_server_that_offers_no_tls_is_not_sent_in_the_open():
    with mail_server() as box:
        entry = sections.MailChannel(
            type="email", name="m", host="127.0.0.1", port=box.port, sender="a@b.example", to=["c@d.example"]
        )
        assert entry.security == "starttls"
        channel = letterbox(box)
        channel._entry = entry
        with pytest.raises(DeliveryError, match="SMTPNotSupportedError while sending"):
            channel.send(MESSAGE)
    assert box.mails == []


def test_discord_is_never_asked_for_more_than_it_takes():
    with receiving() as receiver:
        receiver.limit = (5, 2.0)
        receiver.usual = (204, {}, "")
        entry = sections.DiscordChannel(type="discord", name="oncall", url_env="URL")
        channel, pace = build(receiver, **KINDS["discord"]), Pace(entry.requests, entry.per_seconds)
        for _ in range(7):
            with pace:
                channel.send(MESSAGE)
    assert [request["status"] for request in receiver.requests] == [204] * 7


class Time:
    """Seconds that pass only by sleeping."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_the_pace_keeps_five_requests_in_any_two_seconds():
    time, sent = Time(), []
    pace = Pace(5, 2, time, time.sleep)
    for step in (0, 0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0):
        time.now += step
        with pace:
            sent.append(time.now)
    assert all(later - earlier >= 2 for earlier, later in zip(sent, sent[5:], strict=False))
    assert time.slept == [1.5, 0.5, 1.5]  # no longer than needed
    with Pace(0, 1, time, time.sleep):
        pass
    assert len(time.slept) == 3


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_file_channel_appends_one_line_a_notification(tmp_path):
    channel = FileChannel("local", tmp_path / "deep" / "out.ndjson")
    channel.send(MESSAGE)
    channel.send(RESOLVED)
    first, last = lines(tmp_path / "deep" / "out.ndjson")
    assert (first["notification_id"], first["kind"], first["dedup_key"]) == ("k:firing:t", "firing", "thread-1")
    assert first["text"] == f"CRITICAL: escrow_mismatch - {ITEM.summary}"
    assert last["notification_id"] == "k:resolved:t"


def test_file_channel_drops_a_repeat_also_across_instances_and_threads(tmp_path):
    path = tmp_path / "out.ndjson"
    threads = [
        threading.Thread(target=FileChannel("local", path).send, args=(replace(MESSAGE, notification_id=f"id{n % 3}"),))
        for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["notification_id"] for line in lines(path)) == ["id0", "id1", "id2"]


def test_file_channel_waits_for_another_process_that_is_writing(tmp_path):
    path = tmp_path / "out.ndjson"
    line = json.dumps({"notification_id": MESSAGE.notification_id}) + "\n"
    with path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        sender = threading.Thread(target=FileChannel("local", path).send, args=(MESSAGE,))
        sender.start()
        sender.join(timeout=0.3)
        other.write(line)
    sender.join()
    assert path.read_text() == line


def test_file_channel_ends_a_line_that_a_crash_cut_off(tmp_path):
    path = tmp_path / "out.ndjson"
    path.write_bytes(b'{"notification_id": "old"}\n{"notification_id": "k:fir')
    FileChannel("local", path).send(MESSAGE)
    whole = path.read_bytes().split(b"\n")
    assert whole[1] == b'{"notification_id": "k:fir'
    assert json.loads(whole[2])["notification_id"] == "k:firing:t"


def test_file_channel_says_why_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match=r"^channel local: .*file/out.ndjson: (Not a directory|File exists)$"):
        FileChannel("local", tmp_path / "file" / "out.ndjson").send(MESSAGE)


def test_a_files_relative_path_is_below_the_home(tmp_path):
    entries = [
        sections.FileChannel(type="file", name="local", path="alerts/out.ndjson"),
        sections.FileChannel(type="file", name="elsewhere", path=tmp_path / "other" / "out.ndjson"),
    ]
    config = load_config(Path("config/warehouse.yml")).model_copy(
        update={"embedded": Embedded(home=tmp_path), "channels": entries}
    )
    for channel in build_channels(config, lambda _: None).values():
        channel.send(MESSAGE)
    assert (tmp_path / "alerts" / "out.ndjson").is_file()
    assert (tmp_path / "other" / "out.ndjson").is_file()
