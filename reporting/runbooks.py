"""Runbooks as data: the head of each, its parts, its fenced blocks, and when it was last reviewed."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import NamedTuple

from warehouse.yaml_text import from_yaml

INDEX = "index.md"
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<code>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


class Review(NamedTuple):
    """When a runbook was last reviewed and how many days that holds; `file` is the name within the folder."""

    file: str
    last_reviewed: dt.date
    review_every_days: int


class Block(NamedTuple):
    """A fenced block: the part (its `##` heading) it stands in, its language, its code.

    `no_test` is the reason why it can't run on a machine without the outside service (None: it can).
    """

    part: str
    language: str
    no_test: str | None
    code: str


class Runbook(NamedTuple):
    """A runbook's file name, its head (front matter) and the Markdown below it."""

    file: str
    head: dict
    text: str

    @property
    def parts(self) -> dict[str, str]:
        """Heading of each `##` part -> its text, in order. What stands in a fenced block is no heading."""
        fenced = [match.span() for match in FENCE.finditer(self.text)]
        headings = [
            match
            for match in HEADING.finditer(self.text)
            if not any(start < match.start() < end for start, end in fenced)
        ]
        ends = [match.start() for match in headings[1:]] + [len(self.text)]
        return {match[1]: self.text[match.end() : end] for match, end in zip(headings, ends, strict=True)}

    @property
    def blocks(self) -> list[Block]:
        """The fenced blocks of all parts, in order, their code without the indent of the list they stand in."""
        return [_block(part, match) for part, text in self.parts.items() for match in FENCE.finditer(text)]


def _block(part: str, match: re.Match[str]) -> Block:
    language, _, note = match["info"].strip().partition(" ")
    reason = note.partition("no-test:")[2].strip() or None
    code = re.sub(f"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
    return Block(part, language, reason, code.strip())


def read_runbook(path: Path) -> Runbook:
    """The runbook in `path`. Raises ValueError, naming the file, when it has no front matter that is a mapping."""
    pieces = path.read_text(encoding="utf-8").split("---\n", 2)
    head = from_yaml(pieces[1]) if len(pieces) == 3 and not pieces[0] else None
    if not isinstance(head, dict):
        raise ValueError(f"{path.name}: no front matter")
    return Runbook(path.name, head, pieces[2])


def runbooks(folder: Path) -> list[Runbook]:
    """Every runbook in `folder` by file name, without the index. Raises ValueError for a file without front matter."""
    return [read_runbook(path) for path in sorted(folder.glob("*.md")) if path.name != INDEX]


def runbooks_reviewed(folder: Path) -> list[Review]:
    """When each runbook of `folder` was last reviewed, by file name.

    Raises ValueError, naming the file, when its front matter lacks a date in `last_reviewed` or a positive number of
    days in `review_every_days`: a runbook whose review can't be judged must not pass as reviewed.
    """
    return [_review(book) for book in runbooks(folder)]


def _review(book: Runbook) -> Review:
    day, every = book.head.get("last_reviewed"), book.head.get("review_every_days")
    if type(day) is not dt.date:
        raise ValueError(f"{book.file}: last_reviewed is no date: {day!r}")
    if type(every) is not int or every < 1:
        raise ValueError(f"{book.file}: review_every_days is no positive number of days: {every!r}")
    return Review(book.file, day, every)
