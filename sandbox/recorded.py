"""Recorded mode: what a folder of recorded data holds, and how it is served through the same interfaces.

    recorded = read_recorded(Path("../shared/fixtures"))
    recorded.chain, recorded.store, recorded.copies, recorded.window, recorded.windows

The folder holds solana/**/*.json, stripe/**/*.json, cloudflare/<dataset>/** and
firebase/{firestore_changelog,managed_export,auth_export,cloud_logging}/**. A missing part is a source without data; a
file that no interface can serve goes, byte for byte, to gs://platform-exports/unusable/<source>/<path>.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.bucket import EXPORTS, LOGPUSH
from sandbox.logpush import DATASETS
from sandbox.recorded_chain import RecordedChain
from sandbox.recorded_stripe import RecordedStripe, load_json, read_stripe
from sandbox.recorded_times import EARLIEST, LATEST, instant, times_in, window_of
from sandbox.stripe_store import StripeStore

FIREBASE_PARTS = ("firestore_changelog", "managed_export", "auth_export", "cloud_logging")
Span = tuple[datetime, datetime]

# The window of a folder in which nothing carries a time: one day, so that a run has something to go through.
NO_TIMES: Span = (datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 6, tzinfo=UTC))


class InputError(ValueError):
    """The input folder is not there; the message names it."""


@dataclass(frozen=True)
class Copy:
    """A file that becomes an object of a bucket, byte for byte."""

    bucket: str
    key: str
    path: Path


@dataclass(frozen=True)
class Recorded:
    """A folder, read. `window` covers every time in it; `windows` has one entry per source that has times.

    `unserved` counts Stripe objects of kinds the API server does not list.
    """

    chain: RecordedChain
    store: StripeStore
    copies: tuple[Copy, ...]
    window: Span
    windows: Mapping[str, Span]
    unserved: Mapping[str, int]


def read_recorded(folder: Path) -> Recorded:
    """Read a folder. Raises InputError where it is no folder; no file in it can make this fail."""
    if not folder.is_dir():
        raise InputError(f"input folder {folder} does not exist")
    answers, unusable = _solana(folder / "solana")
    stripe = read_stripe(folder / "stripe")
    copies = [_unusable(folder, path) for path in (*unusable, *stripe.unusable)]
    spans: dict[str, Span] = {}
    for source, files in (("firebase", _firebase(folder)), ("cloudflare", _cloudflare(folder))):
        times = []
        for part, copy in files:
            copies.append(copy)
            times += times_in(part, copy.path)
        _note(spans, source, times)
    _note(spans, "solana", [at for answer in answers for at in _block_times(answer)])
    created = [instant(obj.get("created")) for objects in stripe.objects.values() for obj in objects]
    _note(spans, "stripe", [at for at in created if at is not None])
    window = recorded_window(spans)
    return Recorded(
        chain=RecordedChain.from_answers(answers),
        store=_store(stripe, spans.get("stripe", window)),
        copies=tuple(copies),
        window=window,
        windows=spans,
        unserved=Counter(stripe.unserved),
    )


def recorded_window(spans: Mapping[str, Span]) -> Span:
    """The whole UTC days that cover every source's window."""
    if not spans:
        return NO_TIMES
    return min(start for start, _ in spans.values()), max(end for _, end in spans.values())


def _note(spans: dict[str, Span], source: str, times: list[datetime]) -> None:
    span = window_of(times)
    if span is not None:
        spans[source] = span


def _unusable(folder: Path, path: Path) -> Copy:
    return Copy(EXPORTS, f"unusable/{path.relative_to(folder).as_posix()}", path)


def _files(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.rglob("*")) if path.is_file())


# -- Solana -----------------------------------------------------------------------------------------------------------


def _solana(folder: Path) -> tuple[list[dict[str, Any]], list[Path]]:
    """(answers that a chain can be built of, files that hold none). Anchor IDLs lie beside them and are no answers."""
    answers: list[dict[str, Any]] = []
    unusable = []
    for path in sorted(folder.rglob("*.json")):
        if not path.is_file():
            continue
        try:
            value = load_json(path.read_bytes())
            if is_anchor_idl(value):
                continue
            batch = value if isinstance(value, list) else [value]
            refused = {index for index, _ in RecordedChain.from_answers(batch).unusable}
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            unusable.append(path)
            continue
        answers += [answer for index, answer in enumerate(batch) if index not in refused]
        if refused or not batch:
            unusable.append(path)
    return answers, unusable


def is_anchor_idl(value: Any) -> bool:
    """Whether a JSON value is an Anchor IDL, legacy or new."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("instructions"), list)
        and any(name in value for name in ("name", "metadata", "address"))
    )


def _block_times(answer: Mapping[str, Any]) -> Iterator[datetime]:
    body = answer.get("result", answer)
    for part in (body, *(body.get("transactions") or ())):
        at = instant(part.get("blockTime")) if isinstance(part, Mapping) else None
        if at is not None:
            yield at


# -- Stripe -----------------------------------------------------------------------------------------------------------


def _store(stripe: RecordedStripe, span: Span) -> StripeStore:
    """The objects behind the API. One without a usable `created` is listed at the start of Stripe's window."""
    listed_at = {}
    for objects in stripe.objects.values():
        for obj in objects:
            created = obj.get("created")
            if type(created) is not int or not EARLIEST.timestamp() <= created < LATEST.timestamp():
                listed_at[obj["id"]] = int((instant(created) or span[0]).timestamp())
    return StripeStore(stripe.objects, stripe.balance, listed_at=listed_at)


# -- export and log files ---------------------------------------------------------------------------------------------


def _firebase(folder: Path) -> Iterator[tuple[str, Copy]]:
    for path in _files(folder / "firebase"):
        relative = path.relative_to(folder / "firebase")
        if relative.parts[0] in FIREBASE_PARTS and len(relative.parts) > 1:
            yield relative.parts[0], Copy(EXPORTS, relative.as_posix(), path)
        else:
            yield "", _unusable(folder, path)


def _cloudflare(folder: Path) -> Iterator[tuple[str, Copy]]:
    """Files of cloudflare/<dataset>/, and files right in cloudflare/ whose name starts with a dataset's name."""
    for path in _files(folder / "cloudflare"):
        relative = path.relative_to(folder / "cloudflare")
        first = relative.parts[0]
        if len(relative.parts) > 1 and first in DATASETS:
            yield first, Copy(LOGPUSH, relative.as_posix(), path)
            continue
        dataset = next((name for name in DATASETS if len(relative.parts) == 1 and first.startswith(name)), None)
        if dataset:
            yield dataset, Copy(LOGPUSH, f"{dataset}/{first}", path)
        else:
            yield "", _unusable(folder, path)
