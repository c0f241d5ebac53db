"""Channels against what they really talk to: a file, and an HTTP server."""

from __future__ import annotations

import fcntl
import json
import logging
import threading
from pathlib import Path

import pytest
from webhook_receiver import Receiver, receiving

from alerting.channels import DeliveryError, FileChannel, WebhookChannel, build_channels, routes
from warehouse import config as settings

PAYLOAD = {"text": "CRITICAL: escrow_mismatch - 1 ≠ 2", "blocks": [{"type": "section"}]}


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_file_channel_appends_one_line_a_notification(tmp_path):
    channel = FileChannel("local", tmp_path / "deep" / "out.ndjson")
    channel.send("a:firing:1", PAYLOAD)
    channel.send("a:resolved:1", PAYLOAD)
    assert lines(tmp_path / "deep" / "out.ndjson") == [
        {"notification_id": "a:firing:1", **PAYLOAD},
        {"notification_id": "a:resolved:1", **PAYLOAD},
    ]


def test_file_channel_drops_a_repeat_also_across_instances_and_threads(tmp_path):
    path = tmp_path / "out.ndjson"
    threads = [
        threading.Thread(target=FileChannel("local", path).send, args=(f"id{n % 3}", PAYLOAD)) for n in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(line["notification_id"] for line in lines(path)) == ["id0", "id1", "id2"]


def test_file_channel_waits_for_another_process_that_is_writing(tmp_path):
    path = tmp_path / "out.ndjson"
    line = json.dumps({"notification_id": "id", **PAYLOAD}) + "\n"
    with path.open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        sender = threading.Thread(target=FileChannel("local", path).send, args=("id", PAYLOAD))
        sender.start()
        sender.join(timeout=0.5)
        other.write(line)
    sender.join()
    assert path.read_text() == line


def test_file_channel_ends_a_line_that_a_crash_cut_off(tmp_path):
    path = tmp_path / "out.ndjson"
    path.write_bytes(b'{"notification_id": "old"}\n{"notification_id": "a:fir')
    FileChannel("local", path).send("a:firing:1", PAYLOAD)
    whole = path.read_bytes().split(b"\n")
    assert whole[1] == b'{"notification_id": "a:fir'
    assert json.loads(whole[2])["notification_id"] == "a:firing:1"


def test_file_channel_says_why_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DeliveryError, match=r"^channel local: .*file/out.ndjson: (Not a directory|File exists)$"):
        FileChannel("local", tmp_path / "file" / "out.ndjson").send("id", PAYLOAD)


def webhook(receiver: Receiver) -> WebhookChannel:
    return WebhookChannel("oncall", "SLACK_WEBHOOK_URL", lookup={"SLACK_WEBHOOK_URL": receiver.url}.get, retries=1)


def test_webhook_posts_the_payload_as_json():
    with receiving() as receiver:
        webhook(receiver).send("id", PAYLOAD)
    (request,) = receiver.requests
    assert request["body"] == PAYLOAD
    assert request["type"] == "application/json;charset=utf-8"


@pytest.mark.parametrize("answer", [(429, {"Retry-After": "1"}, "slow down"), (503, {}, "busy")])
def test_webhook_repeats_after_a_passing_refusal(answer):
    with receiving() as receiver:
        receiver.answers = [answer]
        webhook(receiver).send("id", PAYLOAD)
    assert [request["status"] for request in receiver.requests] == [answer[0], 200]
    assert receiver.bodies() == [PAYLOAD]


def test_webhook_that_refuses_for_good_is_a_delivery_error_without_its_address(caplog):
    caplog.set_level(logging.DEBUG)
    with receiving() as receiver:
        receiver.answers = [(404, {}, "no_service\n")]
        with pytest.raises(DeliveryError) as error:
            webhook(receiver).send("id", PAYLOAD)
    assert str(error.value) == "channel oncall: HTTP 404: no_service"
    assert len(receiver.requests) == 1
    assert "very-secret-part" not in caplog.text


def test_webhook_that_cannot_be_reached_is_a_delivery_error_without_its_address(caplog):
    caplog.set_level(logging.DEBUG)
    with receiving() as receiver:
        pass
    with pytest.raises(DeliveryError) as error:
        webhook(receiver).send("id", PAYLOAD)
    assert str(error.value) == "channel oncall: URLError while posting"
    assert "very-secret-part" not in caplog.text


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "channel oncall: SLACK_WEBHOOK_URL is not set"),
        ("hooks.example", "channel oncall: SLACK_WEBHOOK_URL is not a web address"),
    ],
)
def test_webhook_without_a_usable_address_says_which_variable(value, message):
    with pytest.raises(DeliveryError) as error:
        WebhookChannel("oncall", "SLACK_WEBHOOK_URL", lookup=lambda _: value).send("id", PAYLOAD)
    assert str(error.value) == message


def test_channels_and_routes_come_from_the_configuration(config, tmp_path):
    changed = config.model_copy(
        update={
            "embedded": settings.Embedded(home=tmp_path),
            "channels": [
                settings.FileChannel(type="file", name="local", path="alerts/out.ndjson"),
                settings.FileChannel(
                    type="file", name="elsewhere", path=tmp_path / "other" / "out.ndjson", severities=["low"]
                ),
                settings.WebhookChannel(type="slack_webhook", name="oncall", url_env="SLACK_WEBHOOK_URL"),
            ],
        }
    )
    channels = build_channels(changed, lookup=lambda _: None)
    channels["local"].send("id", PAYLOAD)
    channels["elsewhere"].send("id", PAYLOAD)
    assert (tmp_path / "alerts" / "out.ndjson").is_file()
    assert (tmp_path / "other" / "out.ndjson").is_file()
    assert routes(changed, "critical") == ["local", "oncall"]
    assert routes(changed, "medium") == ["local"]
    assert routes(changed, "low") == ["local", "elsewhere"]
