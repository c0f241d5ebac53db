"""Exported files -> landing on the embedded warehouse: which are new, byte for byte, once."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ingestion import run
from ingestion.base import Context
from ingestion.errors import SourceUnavailable
from ingestion.exports import key_time
from ingestion.sources import source
from warehouse.config import load_config
from warehouse.window import Window

BUCKET = "gs://sources-exports"
LANDING = "gs://sources-exports-landing"
START = datetime(2026, 10, 5, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("20261005/20261005T210638Z_20261005T210707Z_e26830e6.log.gz", "2026-10-05T21:06:38+00:00"),
        ("20261005T210638Z_20261005T210707Z_e26830e6.log.gz", "2026-10-05T21:06:38+00:00"),
        ("2026/10/05/07.ndjson.gz", "2026-10-05T07:00:00+00:00"),
        ("writer/2026/10/05/08:00:00_08:59:59_A0.json", "2026-10-05T08:00:00+00:00"),
        ("2026/10/05/part-1.json", "2026-10-05T00:00:00+00:00"),
        ("20261005.json", "2026-10-05T00:00:00+00:00"),
        ("users-2026-10-05.csv", "2026-10-05T00:00:00+00:00"),
        ("2026-10-05T03:00:00_12345/output-0", "2026-10-05T00:00:00+00:00"),
        ("20261305/x", None),
        ("12345678.json", None),
        ("users.json", None),
        ("abc20261005def", None),
        ("ownership-challenge.txt", None),
    ],
)
def test_the_time_in_a_key(key, expected):
    assert key_time(key) == (datetime.fromisoformat(expected) if expected else None)


@pytest.fixture
def ctx(embedded) -> Iterator[Context]:
    config = load_config()
    firebase = config.sources.firebase.model_copy(
        update={"changelog": f"{BUCKET}/changelog", "auth_export": None, "cloud_logging": None, "managed_export": None}
    )
    cloudflare = config.sources.cloudflare.model_copy(
        update={"http_requests": f"{BUCKET}/http", "workers_trace_events": f"{BUCKET}/traces", "late_days": 2}
    )
    update = {"firebase": firebase, "cloudflare": cloudflare, "unusable": f"{BUCKET}/unusable"}
    config = config.model_copy(update={"sources": config.sources.model_copy(update=update), "landing": LANDING})
    ctx = run.context(config)
    yield ctx
    for found in list(ctx.filesystem.list(BUCKET)):
        ctx.filesystem.delete(found.uri)
    for table in (
        "ops.objects",
        "ops.object_attempts",
        "raw.quarantine",
        "raw.firestore_changelog",
        "raw.cloudflare_http_requests",
    ):
        ours = {
            "ops.objects": f"starts_with(uri, '{LANDING}')",
            "ops.object_attempts": f"starts_with(origin_uri, '{BUCKET}')",
        }
        where = ours.get(table, f"starts_with(_object_uri, '{LANDING}')")
        ctx.client.query(f"delete from {table} where {where}").result()


def put(ctx: Context, key: str, body: bytes = b"{}") -> str:
    ctx.filesystem.write(f"{BUCKET}/{key}", body)
    return f"{BUCKET}/{key}"


def landed(name: str, window: Window, ctx: Context) -> list[str]:
    return [new.origin_uri.removeprefix(f"{BUCKET}/") for new in source(name).land(window, ctx)]


def test_a_copy_has_the_bytes_and_the_address_of_its_original(ctx):
    body = gzip.compress(b'{"a":1}\n')
    uri = put(ctx, "changelog/2026/10/05/07.ndjson.gz", body)
    assert run.land(source("firebase"), DAY, ctx, "t") == 1
    [row] = ctx.query(f"select * from ops.objects where origin_uri = '{uri}'")
    assert (row["dataset"], row["slice"]) == (
        "firestore_changelog",
        f"{LANDING}/firebase/firestore_changelog/2026/10/05/07.ndjson",
    )
    assert ctx.filesystem.read(row["uri"]) == body


def test_firebase_takes_everything_before_the_windows_end_however_late(ctx):
    for key in ("2026/10/06/00.gz", "2026/10/05/23.gz", "2026/01/01/00.gz", "undated.json"):
        put(ctx, f"changelog/{key}")
    expected = ["changelog/2026/01/01/00.gz", "changelog/2026/10/05/23.gz", "changelog/undated.json"]
    assert landed("firebase", DAY, ctx) == expected
    hour = Window(START + timedelta(hours=22), START + timedelta(hours=23))
    assert landed("firebase", hour, ctx) == ["changelog/2026/01/01/00.gz", "changelog/undated.json"]


def test_cloudflare_looks_late_days_back_and_takes_undated_files(ctx):
    def name(day: int) -> str:
        return f"http/202610{day:02d}/202610{day:02d}T000000Z_202610{day:02d}T003000Z_0123abcd.log.gz"

    for key in (name(2), name(3), name(5), name(6), "http/ownership-challenge.txt", "traces/plain.ndjson"):
        put(ctx, key)
    expected = [name(3), name(5), "http/ownership-challenge.txt", "traces/plain.ndjson"]
    assert sorted(landed("cloudflare", DAY, ctx)) == expected


def test_what_no_interface_could_serve_is_landed_for_quarantine(ctx):
    put(ctx, "unusable/firebase/x/notes.txt", b"secret notes")
    put(ctx, "unusable/stripe/a.json")
    put(ctx, "unusable/cloudflare/y.bin")
    assert landed("firebase", DAY, ctx) == ["unusable/firebase/x/notes.txt"]
    assert landed("cloudflare", DAY, ctx) == ["unusable/cloudflare/y.bin"]
    firebase = source("firebase")
    run.land(firebase, DAY, ctx, "t")
    assert run.load(firebase, DAY, ctx, "t").quarantined == 1
    [row] = ctx.query(f"select reason_code, raw_bytes from raw.quarantine where starts_with(_object_uri, '{LANDING}')")
    assert (row["reason_code"], row["raw_bytes"]) == ("unknown_export", 0)


def test_an_object_is_read_once_and_again_only_when_it_was_rewritten(ctx):
    def row(document: str) -> bytes:
        change = {
            "timestamp": "2026-10-05T07:00:00Z",
            "event_id": document,
            "document_name": f"projects/p/databases/(default)/documents/matches/{document}",
            "document_id": document,
            "operation": "CREATE",
            "data": json.dumps({"text": "a\u0000b"}),
        }
        return json.dumps(change).encode() + b"\n"

    firebase = source("firebase")
    put(ctx, "changelog/2026/10/05/07.ndjson", row("m\u0000one"))
    counts = []
    for body in (None, None, row("m2") + row("m3"), None):
        if body is not None:
            put(ctx, "changelog/2026/10/05/07.ndjson", body)
        counts.append((run.land(firebase, DAY, ctx, "t"), run.load(firebase, DAY, ctx, "t").rows))
    assert counts == [(1, 1), (0, 0), (1, 2), (0, 0)]
    rows = ctx.query(
        f"select document_id, data from raw.firestore_changelog where starts_with(_object_uri, '{LANDING}') order by 1"
    )
    assert [row["document_id"] for row in rows] == ["m\u0000one", "m2", "m3"]
    assert {row["data"] for row in rows} == {'{"text":"a\\u0000b"}'}


def test_a_late_object_is_found_by_a_later_window(ctx):
    put(ctx, "http/20261005/20261005T000000Z_20261005T003000Z_0123abcd.log.gz", b'{"RayID":"r1"}')
    cloudflare = source("cloudflare")
    assert run.land(cloudflare, DAY, ctx, "t") == 1
    late = put(ctx, "http/20261005/20261005T000000Z_20261005T003000Z_ffffffff.log.gz", b'{"RayID":"r2"}')
    next_day = Window(DAY.end, DAY.end + timedelta(days=1))
    assert [new.origin_uri for new in cloudflare.land(next_day, ctx)] == [late]
    run.land(cloudflare, next_day, ctx, "t")
    assert run.load(cloudflare, next_day, ctx, "t").rows == 1
    table = "raw.cloudflare_http_requests"
    rows = ctx.query(f"select ray_id, _event_date from {table} where starts_with(_object_uri, '{LANDING}') order by 1")
    assert [(row["ray_id"], str(row["_event_date"])) for row in rows] == [("r1", "2026-10-05"), ("r2", "2026-10-05")]


LOG = "http/20261005/20261005T000000Z_20261005T003000Z_0123abcd.log.gz"


def requests(*rays: str) -> bytes:
    return gzip.compress(b"".join(b'{"RayID":"%s"}\n' % ray.encode() for ray in rays), mtime=0)


def outcomes(ctx: Context, origin: str) -> list[tuple[str, str]]:
    rows = ctx.query(
        f"select step, outcome from ops.object_attempts where origin_uri = '{BUCKET}/{origin}' order by noted_at, step"
    )
    return [(row["step"], row["outcome"]) for row in rows]


def current(ctx: Context) -> list[str]:
    """Rays as staging shows them: without the rows of objects that were superseded."""
    rows = ctx.query(
        f"select ray_id from raw.cloudflare_http_requests where starts_with(_object_uri, '{LANDING}') and "
        "_object_uri not in (select uri from ops.objects where superseded_by is not null) order by 1"
    )
    return [row["ray_id"] for row in rows]


def test_a_rewritten_object_is_a_conflict_and_the_newest_content_counts(ctx):
    cloudflare = source("cloudflare")
    for body in (requests("r1", "r2"), requests("r1", "r3")):  # of the same size
        put(ctx, LOG, body)
        assert (run.land(cloudflare, DAY, ctx, "t"), run.load(cloudflare, DAY, ctx, "t").rows) == (1, 2)
    first, second = ctx.query(
        "select uri, replaces, superseded_by, event_dates, generation from ops.objects "
        f"where starts_with(uri, '{LANDING}') order by generation"
    )
    assert (first["replaces"], first["superseded_by"]) == (None, second["uri"])
    assert (second["replaces"], second["superseded_by"]) == (first["uri"], None)
    assert ctx.filesystem.exists(first["uri"])
    assert current(ctx) == ["r1", "r3"]
    assert outcomes(ctx, LOG) == [
        ("discovered", "ok"),
        ("landed", "ok"),
        ("loaded", "ok"),
        ("discovered", "ok"),
        ("landed", "conflict"),
        ("loaded", "ok"),
    ]


def test_a_delivery_repeated_under_another_name_is_kept_and_not_counted(ctx):
    cloudflare = source("cloudflare")
    again = LOG.replace("0123abcd", "99999999")
    put(ctx, LOG, requests("r1"))
    put(ctx, again, gzip.compress(gzip.decompress(requests("r1")), mtime=9))  # other bytes, the same content
    put(ctx, LOG.replace("http/", "traces/"), gzip.compress(b""))
    put(ctx, again.replace("http/", "traces/"), gzip.compress(b""))  # empty objects repeat nothing
    assert run.land(cloudflare, DAY, ctx, "t") == 3
    assert run.load(cloudflare, DAY, ctx, "t").rows == 1
    put(ctx, again.replace("99999999", "aaaaaaaa"), requests("r1"))
    assert (run.land(cloudflare, DAY, ctx, "t"), run.load(cloudflare, DAY, ctx, "t").rows) == (0, 0)
    rows = ctx.query(f"select state, count(*) as n from ops.objects where starts_with(uri, '{LANDING}') group by state")
    assert {row["state"]: row["n"] for row in rows} == {"loaded": 3, "duplicate": 2}
    assert current(ctx) == ["r1"]
    assert outcomes(ctx, again) == [("discovered", "ok"), ("landed", "duplicate")]


AGAIN = LOG.replace("0123abcd", "99999999")


def test_a_whole_delivery_under_both_names_counts_once_whichever_was_cut_first(ctx):
    cloudflare = source("cloudflare")
    whole, cut = requests("r1", "r2"), requests("r1")
    for key, body in ((LOG, cut), (AGAIN, whole), (LOG, whole)):
        put(ctx, key, body)
        run.land(cloudflare, DAY, ctx, "t")
        run.load(cloudflare, DAY, ctx, "t")
        ctx.query(f"update ops.objects set modelled_at = loaded_at where starts_with(uri, '{LANDING}')")
    assert current(ctx) == ["r1", "r2"]


def test_what_a_replaced_repeat_held_is_built_again(ctx):
    cloudflare = source("cloudflare")
    for key, body in ((LOG, requests("r1")), (AGAIN, requests("r1", "r2"))):
        put(ctx, key, body)
    run.land(cloudflare, DAY, ctx, "t")
    run.load(cloudflare, DAY, ctx, "t")
    ctx.query(f"update ops.objects set modelled_at = loaded_at where starts_with(uri, '{LANDING}')")
    put(ctx, LOG, requests("r1", "r2"))
    assert run.land(cloudflare, DAY, ctx, "t") == 0
    waiting = ctx.query(
        "select origin_uri, generation from ops.objects where state = 'loaded' and modelled_at is null "
        f"and starts_with(uri, '{LANDING}')"
    )
    assert [(row["origin_uri"], row["generation"]) for row in waiting] == [(f"{BUCKET}/{LOG}", 1)]


@pytest.mark.parametrize("together", [True, False])
def test_a_content_that_no_longer_counts_under_one_name_counts_under_another(ctx, together):
    cloudflare = source("cloudflare")
    put(ctx, LOG, requests("r1"))
    run.land(cloudflare, DAY, ctx, "t")
    run.load(cloudflare, DAY, ctx, "t")
    put(ctx, LOG, requests("r2"))
    if not together:
        run.land(cloudflare, DAY, ctx, "t")
    put(ctx, AGAIN, requests("r1"))
    run.land(cloudflare, DAY, ctx, "t")
    run.load(cloudflare, DAY, ctx, "t")
    assert current(ctx) == ["r1", "r2"]


def test_an_object_written_again_with_its_content_is_noted_and_not_read_a_third_time(ctx):
    cloudflare = source("cloudflare")
    for landed_now, steps in ((1, 2), (0, 4), (0, 4)):
        if steps > 2 and len(outcomes(ctx, LOG)) == 3:
            ctx.filesystem.write(f"{BUCKET}/{LOG}", requests("r1"))
        elif steps == 2:
            put(ctx, LOG, requests("r1"))
        assert run.land(cloudflare, DAY, ctx, "t") == landed_now
        run.load(cloudflare, DAY, ctx, "t")
    assert outcomes(ctx, LOG) == [
        ("discovered", "ok"),
        ("landed", "ok"),
        ("loaded", "ok"),
        ("discovered", "ok"),
        ("landed", "unchanged"),
    ]


def test_an_object_that_cant_be_read_stops_no_other_and_is_told(ctx):
    cloudflare = source("cloudflare")
    put(ctx, LOG, requests("r1"))
    put(ctx, LOG.replace("0123abcd", "11111111"), requests("r2"))

    def land(window, ctx):
        for new in cloudflare.land(window, ctx):
            if new.origin_uri.endswith("0123abcd.log.gz"):
                ctx.filesystem.delete(new.origin_uri)  # gone between the listing and the copy
            yield new

    with pytest.raises(SourceUnavailable, match=r"1 objects can't be copied, among them gs://.*0123abcd"):
        run.land(replace(cloudflare, land=land), DAY, ctx, "t")
    assert run.load(cloudflare, DAY, ctx, "t").rows == 1
    assert current(ctx) == ["r2"]
    assert outcomes(ctx, LOG) == [("discovered", "ok"), ("landed", "failed")]


def test_folders_of_other_days_are_not_listed(ctx, monkeypatch):
    for day in ("20261001", "20261003", "20261005", "20261007"):
        put(ctx, f"http/{day}/{day}T000000Z_{day}T003000Z_0123abcd.log.gz", requests(day))
    asked = []
    listed = type(ctx.filesystem).list
    monkeypatch.setattr(
        type(ctx.filesystem), "list", lambda self, prefix: (asked.append(prefix), listed(self, prefix))[1]
    )
    assert len(landed("cloudflare", DAY, ctx)) == 2
    assert [prefix for prefix in asked if "/http" in prefix] == [f"{BUCKET}/http/{day}" for day in (20261003, 20261005)]
