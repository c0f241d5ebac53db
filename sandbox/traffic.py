"""The platform's HTTP traffic: every audited action happens in a Worker request, beside plain page and API traffic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

from sandbox.audit_log import AuditRecord, to_ms
from sandbox.model import World

SCRIPT = "skill-match-api"
DAY_MS = 86_400_000
FREE_CALLS_A_DAY = 1_450
QUIET_MS = 60_000  # no page is loaded in the last minute, so that every log line is out before the end

_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_2 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 Chrome/147.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0",
)
_COUNTRIES = ("us", "de", "jp", "kw", "br")
# (method, path, weight, runs the Worker); the static ones are answered by the cache alone.
_ENDPOINTS = (
    ("GET", "/", 8, False),
    ("GET", "/assets/app.7c1e9d.js", 9, False),
    ("GET", "/assets/app.7c1e9d.css", 6, False),
    ("GET", "/favicon.ico", 2, False),
    ("GET", "/api/matches", 12, True),
    ("GET", "/api/leaderboard", 5, True),
    ("GET", "/api/users/me/balance", 7, True),
    ("POST", "/api/matches/score", 4, True),
)
# Audited action -> the request it happens in.
_ROUTES = {
    "deposit": ("POST", "/api/wallet/deposits"),
    "withdrawal": ("POST", "/api/wallet/withdrawals"),
    "entry": ("POST", "/api/matches/{match}/join"),
    "prize_distributed": ("POST", "/api/matches/{match}/settle"),
    "fee_collected": ("POST", "/api/matches/{match}/settle"),
    "match_completed": ("POST", "/api/matches/{match}/settle"),
    "refund": ("POST", "/api/matches/{match}/cancel"),
    "match_cancelled": ("POST", "/api/matches/{match}/cancel"),
    "match_created": ("POST", "/api/matches"),
    "paused": ("POST", "/api/matches/{match}/pause"),
    "resumed": ("POST", "/api/matches/{match}/resume"),
    "dispute_opened": ("POST", "/api/matches/{match}/disputes"),
    "dispute_resolved": ("POST", "/api/matches/{match}/disputes/resolve"),
    "kyc_changed": ("PUT", "/api/admin/kyc"),
    "user_frozen": ("PUT", "/api/admin/freeze"),
    "user_unfrozen": ("PUT", "/api/admin/freeze"),
}


@dataclass(frozen=True)
class Log:
    """One console call in a Worker: `args` are its arguments, texts or JSON values."""

    at_ms: int
    level: str
    args: tuple[Any, ...]


@dataclass(frozen=True)
class ApiCall:
    """One request at the edge. `cron` set, or another `kind` than fetch: no request but a run of the Worker.

    `ip` is personal.
    """

    at_ms: int
    method: str
    path: str
    status: int
    ip: str
    country: str
    agent: str
    ray_id: str
    duration_ms: int
    worker: bool
    logs: tuple[Log, ...] = ()
    exception: str | None = None
    cron: str | None = None
    subrequest_ray: str | None = None
    records: tuple[AuditRecord, ...] = ()
    kind: str = "fetch"  # fetch | alarm | queue
    script: str = SCRIPT

    @property
    def is_request(self) -> bool:
        """Whether the edge saw a request."""
        return self.kind == "fetch" and not self.cron


def api_calls(world: World, records: Sequence[AuditRecord]) -> list[ApiCall]:
    """All traffic of the window in order of time; the same arguments give the same calls."""
    rng = Random(f"traffic:{world.seed}")
    ips = {user.uid: user.ip for user in world.users}
    calls = [_audited_call(rng, group, ips) for group in _grouped(records)]
    start, end = to_ms(world.start), to_ms(world.end)
    for midnight in range(start, end, DAY_MS):
        last = min(midnight + DAY_MS, end - QUIET_MS) - 1
        calls += [
            _free_call(rng, rng.randint(midnight, last), number, list(ips.values()))
            for number in range(FREE_CALLS_A_DAY)
        ]
        calls += [_cron_call(rng, midnight + hour * 3_600_000) for hour in range(24)]
    return _with_failures_around(start + DAY_MS, sorted(calls, key=lambda call: call.at_ms))


def _with_failures_around(midnight: int, calls: Sequence[ApiCall]) -> list[ApiCall]:
    """The same calls; the endpoint's last one before midnight and its first one after it fail."""
    found = [n for n, call in enumerate(calls) if (call.method, call.path) == ("GET", "/api/leaderboard")]
    before = [n for n in found if calls[n].at_ms + calls[n].duration_ms < midnight][-1:]
    after = [n for n in found if calls[n].at_ms > midnight][:1]
    failed = {*before, *after}
    return [
        replace(call, status=500, exception="upstream answered 502") if n in failed else call
        for n, call in enumerate(calls)
    ]


def _grouped(records: Sequence[AuditRecord]) -> list[list[AuditRecord]]:
    """Records that one request writes: those of one transaction, else each alone."""
    groups: dict[tuple[str, int], list[AuditRecord]] = {}
    for number, record in enumerate(records):
        key = ("alone", number) if record.tx_index is None else ("tx", record.tx_index)
        groups.setdefault(key, []).append(record)
    return list(groups.values())


def _ray(rng: Random) -> str:
    return f"{rng.getrandbits(64):016x}"


def _audited_call(rng: Random, group: list[AuditRecord], ips: dict[str, str]) -> ApiCall:
    first, last = to_ms(group[0].at), to_ms(group[-1].at)
    at_ms = first - rng.randint(15, 180)
    lead = group[0]
    logs = []
    if lead.payment:
        method, path, ip, agent = (
            "POST",
            "/webhooks/stripe",
            "192.0.2.77",
            "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        )
        event = {
            "event_id": lead.payment.event_id,
            "type": lead.payment.action,
            "created": lead.payment.event_created_ms // 1000,
        }
        logs.append(Log(at_ms + 4, "log", ("stripe webhook", event)))
    else:
        method, path = _ROUTES[lead.event["action"]]
        path = path.format(match=lead.event["match_id"])
        ip, agent = ips.get(lead.event["actor"], "198.51.100.20"), rng.choice(_AGENTS)
        logs.append(Log(at_ms + 3, "log", (f"{method} {path}",)))
    for record in group:
        if rng.random() < 0.3:
            logs.append(Log(to_ms(record.at), "debug", ("ledger write", {"attempt": 1, "ok": True})))
        logs.append(Log(to_ms(record.at), "info", (record.line,)))
    if rng.random() < 0.1:
        logs.append(Log(last, "warn", ("slow rpc answer", rng.randint(700, 1400), "ms")))
    return ApiCall(
        at_ms=at_ms,
        method=method,
        path=path,
        status=200,
        ip=ip,
        country=rng.choice(_COUNTRIES),
        agent=agent,
        ray_id=_ray(rng),
        duration_ms=last - at_ms + rng.randint(5, 40),
        worker=True,
        logs=tuple(logs),
        subrequest_ray=_ray(rng) if rng.random() < 0.05 else None,
        records=tuple(group),
    )


def _free_call(rng: Random, at_ms: int, number: int, ips: list[str]) -> ApiCall:
    method, path, _, worker = rng.choices(_ENDPOINTS, [weight for _, _, weight, _ in _ENDPOINTS])[0]
    status, exception, logs = 200, None, []
    if worker and number % 291 == 17:
        status, exception = 500, "upstream answered 502"
    elif number % 53 == 5:
        status = 404 if method == "GET" else 409
    elif not worker and rng.random() < 0.3:
        status = 304
    if worker and rng.random() < 0.4:
        logs.append(Log(at_ms + 2, "log", ("request", {"method": method, "path": path})))
    if worker and number % 173 == 9:
        # Careless logging happens on real platforms; whoever stores logs must not store this.
        logs.append(Log(at_ms + 3, "debug", ("headers", {"accept": "*/*", "authorization": f"Bearer {_ray(rng)}"})))
    return ApiCall(
        at_ms=at_ms,
        method=method,
        path=path,
        status=status,
        ip=rng.choice(ips),
        country=rng.choice(_COUNTRIES),
        agent=rng.choice(_AGENTS),
        ray_id=_ray(rng),
        duration_ms=rng.randint(8, 260) if rng.random() > 0.02 else rng.randint(700, 1_500),
        worker=worker,
        logs=tuple(logs),
        exception=exception,
    )


def _cron_call(rng: Random, at_ms: int) -> ApiCall:
    hour = datetime.fromtimestamp(at_ms // 1000, UTC).hour
    return ApiCall(
        at_ms=at_ms + rng.randint(5, 400),
        method="",
        path="",
        status=0,
        ip="",
        country="",
        agent="",
        ray_id="",
        duration_ms=rng.randint(20, 90),
        worker=True,
        logs=(Log(at_ms + 450, "log", (f"hourly clean-up {hour:02d}", "empty lobbies", rng.randint(0, 9))),),
        cron="0 * * * *",
    )
