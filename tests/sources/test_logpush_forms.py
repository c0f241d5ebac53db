"""Every documented output setting of a Logpush job gives the same rows; texts are those of Cloudflare's examples."""

from __future__ import annotations

import dataclasses
import gzip
import io
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from ingestion.base import Context
from ingestion.cloudflare.documented import documented
from ingestion.cloudflare.logpush import log_records
from ingestion.lines import Bad, Record
from warehouse.config import describe
from warehouse.config_cloudflare import Cloudflare, LogpushOutput

FIELDS = ["ClientIP", "EdgeStartTimestamp", "RayID"]
EXPECTED = [
    {"ClientIP": "89.163.242.206", "EdgeStartTimestamp": 1506702504433000200, "RayID": "3a6050bcbe121a87"},
    {"ClientIP": "89.163.242.207", "EdgeStartTimestamp": 1506702504433000300, "RayID": "3a6050bcbe121a88"},
    {"ClientIP": "89.163.242.208", "EdgeStartTimestamp": 1506702504433000400, "RayID": "3a6050bcbe121a89"},
]
AS_CELLS = [row | {"EdgeStartTimestamp": str(row["EdgeStartTimestamp"])} for row in EXPECTED]
"""A time in a CSV cell stays text until it is read as a time."""

NDJSON = (
    '{"ClientIP":"89.163.242.206","EdgeStartTimestamp":1506702504433000200,"RayID":"3a6050bcbe121a87"}\n'
    '{"ClientIP":"89.163.242.207","EdgeStartTimestamp":1506702504433000300,"RayID":"3a6050bcbe121a88"}\n'
    '{"ClientIP":"89.163.242.208","EdgeStartTimestamp":1506702504433000400,"RayID":"3a6050bcbe121a89"}\n'
)
CSV = (
    '"89.163.242.206",1506702504433000200,"3a6050bcbe121a87"\n'
    '"89.163.242.207",1506702504433000300,"3a6050bcbe121a88"\n'
    '"89.163.242.208",1506702504433000400,"3a6050bcbe121a89"\n'
)
NESTED = (
    '{"events":[\n'
    '  {"info":{"ClientIP":"89.163.242.206","EdgeStartTimestamp":1506702504433000200,"RayID":"3a6050bcbe121a87"}},\n'
    '  {"info":{"ClientIP":"89.163.242.207","EdgeStartTimestamp":1506702504433000300,"RayID":"3a6050bcbe121a88"}},\n'
    '  {"info":{"ClientIP":"89.163.242.208","EdgeStartTimestamp":1506702504433000400,"RayID":"3a6050bcbe121a89"}}\n'
    "]}\n"
)
NESTING = {
    "batch_prefix": '{"events":[',
    "batch_suffix": "\n]}\n",
    "record_prefix": '\n  {"info":{',
    "record_suffix": "}}",
    "record_delimiter": ",",
}
RENAMED = NDJSON.replace("ClientIP", "client-ip").replace("EdgeStartTimestamp", "timestamp").replace("RayID", "ray-id")
TEMPLATE = '"client-ip":{{.ClientIP}},"timestamp":{{.EdgeStartTimestamp}},"ray-id":{{.RayID}}'
HEADER = "ClientIP,EdgeStartTimestamp,RayID\n"


def read(body: str | bytes, dataset: str = "http_requests", **options: Any) -> list[Record | Bad]:
    """Records of a body under some output_options."""
    raw = body.encode() if isinstance(body, str) else body
    return list(log_records(io.BytesIO(raw), LogpushOutput.model_validate(options), documented(dataset)))


def written(options: LogpushOutput, rows: list[dict[str, Any]]) -> str:
    """Rows as a job with these settings writes them, fields and values as the output type quotes them."""

    def cell(value: Any) -> str:
        if options.output_type == "ndjson":
            return json.dumps(value, separators=(",", ":"))
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        text = value if isinstance(value, str) else json.dumps(value)
        return '"' + text.replace('"', '""') + '"'

    def fields(row: dict[str, Any]) -> str:
        if options.record_template is not None:
            text = options.record_template
            for name, value in row.items():
                text = text.replace("{{." + name + "}}", cell(value))
            return text
        names = (lambda name: f'"{name}":') if options.output_type == "ndjson" else lambda name: ""
        return options.field_delimiter.join(names(name) + cell(value) for name, value in row.items())

    framed = [options.before_record + fields(row) + options.after_record for row in rows]
    return options.batch_prefix + options.record_delimiter.join(framed) + options.batch_suffix


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (NDJSON, {}),
        (NDJSON, {"field_names": FIELDS, "output_type": "ndjson", "timestamp_format": "unixnano"}),
        (RENAMED, {"field_names": FIELDS, "record_template": TEMPLATE}),
        (CSV, {"field_names": FIELDS, "output_type": "csv"}),
        (HEADER + CSV, {"field_names": FIELDS, "output_type": "csv", "batch_prefix": HEADER}),
        (HEADER + CSV, {}),
        ((HEADER + CSV).replace(",", "\t"), {"output_type": "csv", "field_delimiter": "\t"}),
        ((HEADER + CSV).replace(",", "\t"), {}),
        (HEADER + CSV.replace("\n", "\r\n"), {}),
        (NESTED, NESTING | {"field_names": FIELDS}),
        (NESTED, {}),
        ('{"events":[' + NDJSON.strip().replace("\n", ",") + "]}", {}),
        ("[" + NDJSON.strip().replace("\n", ",") + "]", {}),
        # The settings changed since: what was delivered before them is read as well.
        (NDJSON, {"field_names": FIELDS, "output_type": "csv"}),
        (NDJSON, NESTING | {"field_names": FIELDS}),
        (NDJSON, {"field_names": FIELDS, "record_template": "{{.RayID}} at {{.EdgeStartTimestamp}}: {{.ClientIP}}"}),
        (NESTED, {"field_names": FIELDS, "output_type": "csv"}),
        (HEADER + CSV, NESTING),
    ],
)
def test_every_documented_form_holds_the_same_records(body, options):
    expected = AS_CELLS if body.startswith(('"', "ClientIP")) else EXPECTED
    assert [item.value for item in read(body, **options)] == expected


@pytest.mark.parametrize(
    "options",
    [
        {"record_prefix": "cf: {", "record_suffix": "}\n"},
        {"batch_prefix": "# a batch\n", "batch_suffix": "# its end\n", "record_prefix": "{"},
        {"record_suffix": "}", "record_delimiter": "|"},
        {"field_delimiter": ";"},
        {"record_template": "{{/* who */}}{{.ClientIP}} at {{.EdgeStartTimestamp}} {{`{`}}{{.RayID}}{{\"}\"}}"},
        {"record_prefix": '{"source":"cf","event":{', "record_suffix": "}}\n"},
        {"batch_prefix": '{"v":1,"rows":[', "batch_suffix": "]}", "record_suffix": "}", "record_delimiter": ","},
        {"output_type": "csv", "record_prefix": "[", "record_suffix": "]", "record_delimiter": ";\n"},
        {"output_type": "csv", "batch_prefix": "# a batch\n", "batch_suffix": "# its end\n"},
        {"output_type": "csv", "field_delimiter": "|", "record_suffix": "", "record_delimiter": "~"},
        {"output_type": "csv", "record_template": "{{.RayID}} from {{.ClientIP}} at {{.EdgeStartTimestamp}}"},
    ],
)  # fmt: skip
def test_prefixes_suffixes_delimiters_and_templates_come_off(options):
    settings = LogpushOutput.model_validate({"field_names": FIELDS, **options})
    body = written(settings, EXPECTED)
    if options.get("record_template", "").startswith("{{/*"):
        body = body.replace("{{/* who */}}", "").replace("{{`{`}}", "{").replace('{{"}"}}', "}")
    found = [item.value for item in read(body, **{"field_names": FIELDS, **options})]
    assert found == (EXPECTED if settings.output_type == "ndjson" else AS_CELLS)


def test_csv_cells_have_the_documented_types():
    row = {
        "EdgeStartTimestamp": "2026-10-05T00:00:00.123456789Z",
        "EdgeResponseStatus": 200,
        "EdgeResponseCompressionRatio": 2.5,
        "WorkerSubrequest": True,
        "ClientRequestPath": 'a "quoted", odd\npath',
        "RequestHeaders": {"x": 'q"uote'},
        "SecurityRuleIDs": ["1", "2"],
        "ZoneID": 1234567890123456789,
        "RayID": "0012",
        "BrandNew": "x",
    }
    options = LogpushOutput(output_type="csv", field_names=tuple(row))
    body = written(options, [row]) + '"",,,,"","","",,"",""\n'
    first, second = read(body, output_type="csv", field_names=list(row))
    assert first.value == row
    assert second.value == {
        **dict.fromkeys(row, ""),
        **dict.fromkeys(["EdgeResponseStatus", "EdgeResponseCompressionRatio", "WorkerSubrequest"]),
        **dict.fromkeys(["RequestHeaders", "SecurityRuleIDs", "ZoneID"]),
    }


@pytest.fixture
def rows(pure: Context, prepare) -> Callable[..., Any]:
    """rows(dataset, body, **output_options): raw rows under a job with these settings."""

    def run(dataset: str, body: bytes, **options: Any) -> Any:
        job = {"prefix": "gs://bucket/logs", "output_options": options}
        cloudflare = type(pure.config.sources.cloudflare).model_validate({dataset: job})
        sources = pure.config.sources.model_copy(update={"cloudflare": cloudflare})
        ctx = dataclasses.replace(pure, config=pure.config.model_copy(update={"sources": sources}))
        return prepare("cloudflare", dataset, body, ctx=ctx)

    return run


def test_csv_and_json_give_the_same_rows(prepare, rows):
    request = {
        "ClientIP": "203.0.113.7",
        "EdgeStartTimestamp": 1791158400123456789,
        "EdgeEndTimestamp": 1791158400128456789,
        "EdgeResponseStatus": 200,
        "ClientRequestMethod": "GET",
        "ClientRequestPath": "/api/users/u0001/balance",
        "ParentRayID": "00",
        "RayID": "3a6050bcbe121a87",
    }
    csv = written(LogpushOutput(output_type="csv", field_names=tuple(request)), [request]).encode()
    expected = prepare("cloudflare", "http_requests", json.dumps(request).encode())
    got = rows("http_requests", csv, output_type="csv", field_names=list(request))
    [wanted], [row] = expected["cloudflare_http_requests"], got["cloudflare_http_requests"]
    records = [json.loads(r.pop("record")) for r in (wanted, row)]
    assert row == wanted
    times = {name: str(records[0][name]) for name in ("EdgeStartTimestamp", "EdgeEndTimestamp")}
    assert records[1] == records[0] | times


def test_a_trace_in_csv_has_its_log_lines(rows):
    trace = {
        "EventTimestampMs": 1791158400123,
        "ScriptName": "api",
        "Outcome": "ok",
        "CPUTimeMs": 3,
        "Logs": [{"Level": "error", "Message": ['a "quoted" text'], "TimestampMs": 1}],
        "Event": {"RayID": "r"},
    }
    csv = written(LogpushOutput(output_type="csv", field_names=tuple(trace)), [trace]).encode()
    [row] = rows("workers_trace_events", csv, output_type="csv", field_names=list(trace))["cloudflare_worker_traces"]
    assert (row["event_at"], row["cpu_ms"], row["error_log_count"]) == ("2026-10-05T00:00:00.123000Z", 3, 1)
    assert json.loads(row["record"])["Logs"] == trace["Logs"]


def test_a_sampled_job_says_so_in_its_rows(rows):
    [row] = rows("http_requests", b'{"RayID":"r"}', sample_rate=0.05)["cloudflare_http_requests"]
    assert row["sample_rate"] == "0.05"


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ('"89.163.242.207",15067025', "bad_csv"),
        ('"89.163.242.207,1506702504433000300,"3a6050bcbe121a88"', "bad_csv"),
        ('"a",1,"b","c"', "bad_csv"),
        ("\xff,1,r", "invalid_utf8"),
    ],
)
def test_a_bad_csv_record_costs_none_of_its_neighbours(bad, code):
    body = (CSV * 3 + bad + "\n" + CSV * 40 + bad + "\n" + CSV).encode("latin-1")
    found = read(body, output_type="csv", field_names=FIELDS)
    assert [(item.line, item.code, item.raw) for item in found if isinstance(item, Bad)] == [
        (line, code, bad.encode("latin-1")) for line in (10, 131)
    ]
    assert sum(isinstance(item, Record) for item in found) == 132


def test_csv_without_a_header_names_the_missing_setting():
    found = read(CSV, output_type="csv")
    assert [(item.line, item.code) for item in found] == [(n, "unknown_columns") for n in (1, 2, 3)]


@pytest.mark.parametrize("bad", ['{"ClientIP":"x",,}', '{"ClientIP":"\udcff"}', '{"ClientIP":"x}', "nonsense"])
@pytest.mark.parametrize("between", [",", ",\n  "])
def test_a_bad_record_of_a_list_costs_none_of_its_neighbours(bad, between):
    records = NDJSON.strip().split("\n")
    elements = [*records * 200, bad, *records * 200]
    body = ('{"events":[' + between.join(elements) + "]}").encode("utf-8", "surrogateescape")
    found = read(body)
    [lost] = [item for item in found if isinstance(item, Bad)]
    assert (lost.line, lost.raw) == (601, bad.encode("utf-8", "surrogateescape"))
    assert [item.value for item in found if isinstance(item, Record)] == EXPECTED * 400


def test_a_list_that_is_cut_off_keeps_what_came_before():
    rng = random.Random(1)
    rows = [{"RayID": f"{rng.getrandbits(64):016x}", "ClientASN": n} for n in range(20_000)]
    whole = gzip.compress(json.dumps({"events": rows}).encode())
    stream = gzip.GzipFile(fileobj=io.BytesIO(whole[: len(whole) // 2]))
    *found, last = list(log_records(stream, LogpushOutput(), documented("http_requests")))
    assert 5_000 < len(found) < 15_000
    assert [item.value for item in found] == rows[: len(found)]
    assert (last.line, last.code) == (len(found) + 1, "truncated_gzip")


def test_csv_that_is_cut_off_is_not_read_to_half_a_cell():
    body = gzip.compress((CSV * 5).encode(), mtime=0)
    options = LogpushOutput(output_type="csv", field_names=tuple(FIELDS))
    for cut in range(12, len(body) - 8):
        stream = gzip.GzipFile(fileobj=io.BytesIO(body[:cut]))
        *found, last = list(log_records(stream, options, documented("http_requests")))
        assert isinstance(last, Bad)
        assert last.code == "truncated_gzip"
        assert all(
            item.value["RayID"] in ("3a6050bcbe121a87", "3a6050bcbe121a88", "3a6050bcbe121a89") for item in found
        )


def test_what_the_documentation_does_not_name_is_reported_and_kept(prepare):
    body = b'{"RayID":"r","NewField":[1]}\n{"rayid":"r","NewField":2,"Other":null}\n'
    rows = prepare("cloudflare", "http_requests", body)
    assert [row["ray_id"] for row in rows["cloudflare_http_requests"]] == ["r", "r"]
    assert json.loads(rows["cloudflare_http_requests"][0]["record"])["NewField"] == [1]
    changes = [(row["field"], row["json_type"], row["records"], row["first_line"]) for row in rows["schema_changes"]]
    assert changes == [("NewField", "array", 2, 1), ("Other", "null", 1, 2)]
    traces = prepare("cloudflare", "workers_trace_events", b'{"ScriptName":"a","outcome":"ok","Truncated":true}\n')
    assert [row["field"] for row in traces["schema_changes"]] == ["Truncated"]


@pytest.mark.parametrize("name", ["ownership-challenge.txt", "ownership-challenge-1f2e.txt", "test.txt.gz"])
def test_what_a_job_writes_when_it_is_set_up_is_no_log(prepare, name):
    assert prepare("cloudflare", "http_requests", b"0123abcd", name) == {}


def test_a_job_is_its_prefix_or_its_prefix_with_settings():
    alone = Cloudflare(http_requests="gs://bucket/http").jobs
    told = Cloudflare(
        workers_trace_events={
            "prefix": "gs://bucket/traces",
            "output_options": {"output_type": "csv", "CVE-2021-44228": True},
        }
    ).jobs
    assert {name: job.prefix for name, job in alone.items()} == {"http_requests": "gs://bucket/http"}
    options = told["workers_trace_events"].output_options
    assert (options.output_type, options.after_record, options.cve_2021_44228) == ("csv", "\n", True)


@pytest.mark.parametrize(
    ("options", "place"),
    [
        ({"outputtype": "csv"}, "http_requests.output_options.outputtype"),
        ({"timestamp_format": "iso"}, "http_requests.output_options.timestamp_format"),
        ({"sample_rate": 0}, "http_requests.output_options.sample_rate"),
        ({"output_type": "csv", "field_delimiter": "::"}, "http_requests.output_options"),
        ({"record_template": "{{.RayID}}"}, "http_requests.output_options"),
        ({"record_prefix": "", "record_suffix": ""}, "http_requests.output_options"),
    ],
)
def test_a_wrong_setting_is_named(options, place):
    with pytest.raises(ValidationError) as failure:
        Cloudflare.model_validate({"http_requests": {"prefix": "gs://bucket/http", "output_options": options}})
    assert [line.partition(": ")[0] for line in describe(failure.value)] == [place]
