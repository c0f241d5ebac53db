"""The memos on the chain against the log of seals: what nobody who holds the warehouse and the bucket can rewrite.

Each memo that audit.anchors knows is read back from the chain, and the history of the keys that signed them is read to
its end: a memo of another root than the seals give shows that the log was rewritten, also where its row was deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from audit.anchors import MEMO, head_of
from audit.memo import MemoError, fetch_memo, posted_heads
from audit.reader import Row
from audit.verify import Finding, seal_document
from warehouse.config import Config


@dataclass
class Memos:
    """What was compared: `read` memos of audit.anchors, `listed` ones in the keys' histories; and what differs."""

    read: int = 0
    listed: int = 0
    payers: set[str] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)


def check_memos(config: Config, seals: Sequence[Row], anchors: Sequence[Row], payers: Iterable[str] = ()) -> Memos:
    """Compare the memos at the configured provider with the log; `payers`: further keys whose memos are heads of ours.

    Raises MemoError where a key's history can't be read, and where there is nothing to compare with: somebody who
    rewrites the log can delete the rows of its memos too.
    """
    memos = Memos(payers=set(payers))
    for row in anchors:
        if row["kind"] == MEMO:
            memos.findings += _read_back(config, row, memos)
    if not memos.payers and not memos.findings:
        raise MemoError("audit.anchors knows no memo: name the key that posted them with --payer")
    for payer in sorted(memos.payers):
        heads = posted_heads(config, payer)
        memos.listed += len(heads)
        if not heads:
            memos.findings.append(Finding("anchor_memo", "the key posted no memo of a head", address=payer))
        for signature, size, root in heads:
            memos.findings += _against_seals(seals, signature, size, root)
    return memos


def _read_back(config: Config, row: Row, memos: Memos) -> Iterator[Finding]:
    try:
        memo = fetch_memo(config, row["address"])
    except MemoError as error:
        yield Finding("anchor_memo", str(error), address=row["address"])
        return
    memos.read += 1
    memos.payers.add(memo.payer)
    if (memo.size, memo.root) != (row["size"], row["root"]):
        yield Finding(
            "anchor_memo", "the memo on the chain says another head than audit.anchors", address=memo.signature
        )


def _root(seals: Sequence[Row]) -> str | None:
    """None where a seal lacks what its hash is made of."""
    try:
        return head_of([seal_document(seal) for seal in seals]).root
    except (ValueError, TypeError):
        return None


def _against_seals(seals: Sequence[Row], signature: str, size: int, root: str) -> Iterator[Finding]:
    if size > len(seals):
        what = f"a memo covers {size} seals, the log has {len(seals)}"
        yield Finding("anchor_memo", what, seal_no=len(seals), address=signature)
    elif _root(seals[:size]) != root:
        what = f"a memo says another root of the first {size} seals than they have"
        yield Finding("anchor_memo", what, seal_no=size - 1, address=signature)
