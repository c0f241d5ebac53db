"""Records that a job's prefixes, suffixes and delimiters set apart: the parts of an object between them."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.cloudflare.pieces import Pieces
from ingestion.lines import CHUNK, Bad
from warehouse.config_cloudflare import LogpushOutput

LONGEST = 8 * 1024 * 1024
"""Bytes in which a separator must come, or the object isn't framed like this."""


def parts(pieces: Pieces, options: LogpushOutput) -> Iterator[tuple[int, bytes] | Bad]:
    """(number from 1, bytes between prefix and suffix) of each record, in flat memory.

    What a broken compression cuts off is a Bad: the end of a last record can't be told from its middle.
    """
    separator, suffix = options.separator.encode(), options.batch_suffix.encode()
    number, held = 0, b""
    begins = True
    while piece := pieces.read1(CHUNK):
        held += piece
        if begins:
            held, begins = _without_prefix(held, options), False
        cut = held.rfind(separator, 0, len(held) - len(suffix))  # the batch's suffix may hold a separator
        if cut >= 0:
            for part in held[:cut].split(separator):
                number += 1
                yield number, part
            held = held[cut + len(separator) :]
        elif len(held) > LONGEST:
            number += 1
            yield Bad(number, held, "no_separator", "nothing like the job's record_suffix and record_delimiter")
            held = b""
    if pieces.broken:
        yield Bad(number + 1, held, *pieces.broken)
        return
    held = held.removesuffix(suffix).removesuffix(options.after_record.encode())
    for part in held.split(separator) if held.strip() else ():
        number += 1
        yield number, part


def begins_framed(head: bytes, options: LogpushOutput) -> bool:
    """Whether an object begins with the job's prefixes."""
    start = (options.batch_prefix + options.before_record).encode()
    return bool(start) and head.startswith(start)


def _without_prefix(held: bytes, options: LogpushOutput) -> bytes:
    record = options.before_record.encode()
    return held.removeprefix(options.batch_prefix.encode()).removeprefix(record)
