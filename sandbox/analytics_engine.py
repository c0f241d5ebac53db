"""Workers Analytics Engine of the simulated platform: the SQL API over the points that its Workers wrote.

Mounted below /cloudflare, so that http://127.0.0.1:PORT/cloudflare/client/v4 takes the place of
https://api.cloudflare.com/client/v4. It understands the queries of a reader: SELECT columns FROM dataset WHERE
timestamp >= toDateTime('...') AND timestamp < toDateTime('...') [ORDER BY timestamp] LIMIT n|ALL FORMAT JSON.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.connection import BrokenResponse
from sandbox.worker_life import Line

ACCOUNT = "0123456789abcdef0123456789abcdef"
TOKEN = "sandbox-cloudflare-readonly"
DATASET = "api_latency"
"""index1 endpoint, blob1 method, blob2 status, double1 milliseconds."""
BUSY = 40
"""Points of an index and hour above which the engine keeps a sample."""
SAMPLED = 4

_QUERY = re.compile(
    r"SELECT (?P<columns>[\w, ]+) FROM (?P<dataset>\w+) "
    r"WHERE timestamp >= toDateTime\('(?P<start>[\d :-]{19})'\) AND timestamp < toDateTime\('(?P<end>[\d :-]{19})'\)"
    r"(?: ORDER BY timestamp)? LIMIT (?P<limit>\d+|ALL) FORMAT JSON",
    re.IGNORECASE,
)
Point = dict[str, Any]


@dataclass
class AnalyticsBoard:
    """Points by dataset in order of time, the token that may read them, and what the next requests meet instead.

    A fault is an HTTP status, or "cut": half an answer.
    """

    points: Mapping[str, list[Point]]
    token: str = TOKEN
    faults: list[int | str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)


def points_of(lines: Iterable[Line]) -> dict[str, list[Point]]:
    """The points that the Workers wrote beside their api_request lines, as the engine has kept them.

    Of a busy index one in SAMPLED is kept and stands for as many, so the intervals of an hour add up to its points.
    """
    hours: dict[tuple[int, str], list[Line]] = defaultdict(list)
    for line in lines:
        if line.kind == "api_request":
            hours[line.at_ms // 3_600_000, line.fields["endpoint"]].append(line)
    kept = []
    for said in hours.values():
        step = SAMPLED if len(said) > BUSY else 1
        for place in range(0, len(said), step):
            kept.append(_point(said[place], min(step, len(said) - place)))
    return {DATASET: sorted(kept, key=lambda point: (point["timestamp"], point["index1"]))}


def _point(line: Line, interval: int) -> Point:
    at = datetime.fromtimestamp(line.at_ms // 1000, UTC)
    return {
        "dataset": DATASET,
        "timestamp": f"{at:%Y-%m-%d %H:%M:%S}",
        "_sample_interval": interval,
        "index1": line.fields["endpoint"],
        "blob1": line.fields["method"],
        "blob2": str(line.fields["status"]),
        "double1": float(line.fields["duration_ms"]),
    }


def analytics_routes(board: AnalyticsBoard, prefix: str = "/cloudflare") -> list[Route]:
    """The SQL API of ACCOUNT; other accounts are refused."""

    async def answer(request: Request) -> Response:
        sql = (await request.body()).decode("utf-8", "replace")
        if request.headers.get("authorization") != f"Bearer {board.token}":
            return JSONResponse({"success": False, "errors": [{"code": 10000, "message": "Authentication error"}]}, 403)
        if request.path_params["account"] != ACCOUNT:
            return PlainTextResponse("unknown account", 404)
        board.queries.append(sql)
        fault = board.faults.pop(0) if board.faults else None
        if isinstance(fault, int):
            return PlainTextResponse("try again", fault, {"Retry-After": "0"})
        match = _QUERY.fullmatch(sql.strip())
        if match is None:
            return PlainTextResponse("unable to parse the query", 422)
        if match["dataset"] not in board.points and board.points:
            return PlainTextResponse(f"unable to find dataset {match['dataset']}", 422)
        body = _answered(board.points.get(match["dataset"], []), match)
        return BrokenResponse(body, len(body) // 2) if fault == "cut" else Response(body, media_type="application/json")

    path = prefix + "/client/v4/accounts/{account}/analytics_engine/sql"
    return [Route(path, answer, methods=["POST"])]


def _answered(points: list[Point], match: re.Match[str]) -> bytes:
    columns = [name.strip() for name in match["columns"].split(",")]
    rows = [
        {name: point.get(name, 0 if name.startswith("double") else "") for name in columns}
        for point in points
        if match["start"] <= point["timestamp"] < match["end"]
    ]
    if match["limit"].upper() != "ALL":
        rows = rows[: int(match["limit"])]
    types = {"timestamp": "DateTime", "_sample_interval": "UInt32"}
    meta = [
        {"name": name, "type": types.get(name, "Float64" if name.startswith("double") else "String")}
        for name in columns
    ]
    return json.dumps({"meta": meta, "data": rows, "rows": len(rows)}).encode()
