"""Made-up Worker traces as Logpush delivers them, for benchmarks: the same for the same number of records."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

START_MS = 1_791_158_400_000  # 2026-10-05T00:00:00Z
_AT_ONCE = 1_000
_ROUTES = (
    ("GET", "/api/matches", "/api/matches"),
    ("POST", "/api/matches/{match}/join", "/api/matches/:id/join"),
    ("GET", "/api/users/{user}/balance", "/api/users/:id/balance"),
    ("POST", "/api/wallet/withdraw", "/api/wallet/withdraw"),
    ("GET", "/api/leaderboard/weekly", "/api/leaderboard/weekly"),
)
_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "SkillMatch/4.2.1 (Android 16; Pixel 10)",
)
_PLACES = (("DE", "FRA", "Europe/Berlin"), ("US", "IAD", "America/New_York"), ("JP", "NRT", "Asia/Tokyo"))


def write_traces(path: Path, records: int) -> int:
    """Write gzip NDJSON; returns the bytes before compression."""
    size = 0
    with gzip.open(path, "wb", compresslevel=6) as file:
        lines = trace_lines(records)
        while part := list(islice(lines, _AT_ONCE)):
            size += file.write(b"\n".join(part) + b"\n")
    return size


def trace_lines(records: int) -> Iterator[bytes]:
    """Traces as JSON."""
    return (json.dumps(trace, separators=(",", ":")).encode() for trace in traces(records))


def traces(records: int) -> Iterator[dict[str, Any]]:
    """Requests of a day: a line of text each, a structured line in a third of them, an exception in one of a 100."""
    draw = random.Random(7)
    for number in range(records):
        at = START_MS + number * 86_400_000 // records + draw.randrange(30_000)  # nearly in order, as objects are
        method, path, route = draw.choice(_ROUTES)
        path = path.format(match=f"m{draw.randrange(5_000):05d}", user=f"u{draw.randrange(20_000):05d}")
        fails = number % 100 == 99
        status, took = 500 if fails else draw.choice((200, 200, 200, 201, 404)), draw.randrange(900)
        logs = [_log("log", f"{method} {path} {status} in {took} ms", at + took)]
        if number % 3 == 0:
            line = {"type": "api_request", "at": at, "endpoint": route, "method": method, "status": status}
            line |= {"duration_ms": took, "request_id": f"{draw.getrandbits(64):016x}"}
            logs.append(_log("info", json.dumps(line, separators=(",", ":")), at + took))
        yield {
            "CPUTimeMs": draw.randrange(30),
            "Event": _event(draw, method, path, status),
            "EventTimestampMs": at,
            "EventType": "fetch",
            "Exceptions": [{"Name": "TypeError", "Message": f"{path} failed", "TimestampMs": at}] if fails else [],
            "Logs": logs,
            "Outcome": "exception" if fails else "ok",
            "ScriptName": "api",
            "ScriptVersion": {"ID": "7f0c1d3e-8c0a-4d53-9f8e-2f6d1a7b9c1f"},
            "WallTimeMs": took,
        }


def _event(draw: random.Random, method: str, path: str, status: int) -> dict[str, Any]:
    country, colo, timezone = draw.choice(_PLACES)
    address = f"203.0.{draw.randrange(256)}.{draw.randrange(256)}"
    return {
        "RayID": f"{draw.getrandbits(64):016x}",
        "Request": {
            "URL": f"https://play.example{path}?page={draw.randrange(20)}&session={draw.getrandbits(64):016x}",
            "Method": method,
            "Headers": {
                "accept": "application/json",
                "accept-language": "en-US,en;q=0.9",
                "authorization": f"Bearer {draw.getrandbits(192):048x}",
                "cf-connecting-ip": address,
                "cf-ray": f"{draw.getrandbits(64):016x}-{colo}",
                "host": "play.example",
                "user-agent": draw.choice(_AGENTS),
                "x-forwarded-for": address,
            },
            "Cf": {
                "asn": draw.randrange(60_000),
                "city": "Springfield",
                "colo": colo,
                "country": country,
                "httpProtocol": "HTTP/2",
                "timezone": timezone,
                "tlsVersion": "TLSv1.3",
            },
        },
        "Response": {"Status": status},
    }


def _log(level: str, text: str, at: int) -> dict[str, Any]:
    return {"Level": level, "Message": [text], "TimestampMs": at}
