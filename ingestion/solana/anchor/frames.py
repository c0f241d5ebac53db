"""Which program wrote a log line: the stack of `Program X invoke [n]` ... `success` / `failed` lines.

Only whole log elements count: text that a program logs (`Program log: ...`) can hold anything, newlines and imitations
of these lines among it, and is never read as structure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from ingestion.solana.transaction import TRUNCATED, Instruction, TransactionView

Place = tuple[int, int | None]
"""(top-level index, inner index), inner None for the top-level instruction itself."""

LOG, DATA = "Program log: ", "Program data: "
_CONSUMED = " consumed "
LOG_LIMIT = 10_000
_LONGEST_FRAME_LINE = len("Program " + "1" * 44 + " invoke [10]")
_SILENT = frozenset(
    {
        "Ed25519SigVerify111111111111111111111111111",
        "KeccakSecp256k11111111111111111111111111111",
        "Secp256r1SigVerify1111111111111111111111111",
    }
)
"""Precompiles run without log lines."""


class LogToken(NamedTuple):
    """One token of a `Program data:` line, or a message that imitates one.

    `program` is the frame's program, None outside every frame; `doubt` says why it is uncertain ("" when it is not).
    """

    line: int
    token: int
    text: str
    program: str | None
    place: Place | None
    doubt: str = ""
    imitation: bool = False


@dataclass(slots=True)
class LogScan:
    """Tokens of a log in order, and the caller of each inner instruction as far as the frames tell."""

    tokens: list[LogToken] = field(default_factory=list)
    callers: dict[Place, Place | None] = field(default_factory=dict)


_Frame = tuple[str | None, Place | None]
"""Program and place of an invocation; neither is known of one that the log does not show."""

_UNKNOWN: _Frame = (None, None)


def scan_logs(view: TransactionView) -> LogScan:
    """Tokens of the log with the program that wrote each."""
    scan, placer = LogScan(), _Placer(view)
    stack: list[_Frame] = []
    broken = False
    room = _Room() if view.log_truncated else None
    for number, line in enumerate(view.logs or ()):
        if room is not None:
            room.passed(line)
        if line.startswith(LOG):
            if DATA in line and _imitates(line):
                scan.tokens.append(_token(number, 0, line, stack, broken, room, imitation=True))
        elif line.startswith(DATA):
            for at, text in enumerate(line[len(DATA) :].split(" ")):
                if text:
                    scan.tokens.append(_token(number, at, text, stack, broken, room))
        else:
            # the same few lines come again and again, but no two lines of consumed units are alike
            frame = _frame_line(line) if _CONSUMED in line else _known_frame_line(line)
            if frame is not None:
                program, depth = frame
                if depth > 0:
                    broken = _enter(stack, program, depth, broken, placer, scan)
                elif stack and stack[-1][0] == program:
                    stack.pop()
                else:
                    _close(stack, program)
                    broken = True
    return scan


def _frame_line(line: str) -> tuple[str, int] | None:
    """(program, depth) of an invoke line, (program, 0) of a success or failed line, None for any other."""
    words = line.split(" ", 3)
    if len(words) < 3:
        return None
    program, kind = words[1], words[2]
    if kind == "invoke":
        depth = _depth(words[3]) if len(words) == 4 else 0
        if depth == 0:
            return None
    elif kind == "failed:" or (kind == "success" and len(words) == 3):
        depth = 0
    else:
        return None
    return (program, depth) if words[0] == "Program" and 32 <= len(program) <= 44 and program[-1] != ":" else None


_known_frame_line = lru_cache(maxsize=4096)(_frame_line)


def _depth(text: str) -> int:
    """The depth in `[n]`; 0 for other text."""
    is_depth = text.startswith("[") and text.endswith("]") and text[1:-1].isdecimal()
    return int(text[1:-1]) if is_depth else 0


def _enter(stack: list[_Frame], program: str, depth: int, broken: bool, placer: _Placer, scan: LogScan) -> bool:
    if depth != len(stack) + 1:
        broken = True
        del stack[depth - 1 :]
        while len(stack) < min(depth, 64) - 1:
            stack.append(_UNKNOWN)
    if depth == 1:
        broken = False  # whatever was open before, a top-level invocation is a fresh start
    place = placer.place(program, depth)
    if place is not None and depth > 1:
        scan.callers[place] = stack[-1][1]
    stack.append((program, place))
    return broken


def _close(stack: list[_Frame], program: str) -> None:
    """Leave a program that is not the innermost one, and with it all inside it."""
    for at in range(len(stack) - 1, -1, -1):
        if stack[at][0] == program:
            del stack[at:]
            return


def _imitates(line: str) -> bool:
    """Whether a logged message shows a `Program data:` line to a careless reader."""
    return any(part.startswith(DATA) for part in line[len(LOG) :].splitlines())


def _token(
    number: int, at: int, text: str, stack: list[_Frame], broken: bool, room: _Room | None, imitation: bool = False
) -> LogToken:
    program, place = stack[-1] if stack else _UNKNOWN
    if broken or not stack:
        return LogToken(number, at, text, program, None, "unmatched_frames", imitation)
    if room is not None and room.may_hide_frames:
        return LogToken(number, at, text, program, None, "log_truncated", imitation)
    return LogToken(number, at, text, program, place, "", imitation)


class _Placer:
    """Follows the invocations of the log through the instructions of the transaction, in step."""

    def __init__(self, view: TransactionView) -> None:
        self._view = view
        self._at, self._at_inner = -1, 0
        self._group: Sequence[str] = ()
        self._in_step = True

    def place(self, program: str, depth: int) -> Place | None:
        """Place of the next invocation; None once log and instructions disagree."""
        if depth == 1:
            self._at, self._at_inner = _next(self._view.programs, self._at + 1, program), 0
            self._in_step = self._at < len(self._view.programs)
            self._group = self._view.inner_programs.get(self._at, ())
            return (self._at, None) if self._in_step else None
        if not self._in_step:
            return None
        found = _next(self._group, self._at_inner, program)
        self._in_step = found < len(self._group) and self._view.height(self._at, found) in (None, depth)
        self._at_inner = found + 1
        return (self._at, found) if self._in_step else None


def _next(programs: Sequence[str], at: int, program: str) -> int:
    """Index of `program` at or behind `at`, past precompiles only; len(programs) when something else comes first."""
    for found in range(at, len(programs)):
        if programs[found] == program:
            return found
        if programs[found] not in _SILENT:
            break
    return len(programs)


class _Room:
    """After `Log truncated` the runtime still writes lines that fit, so frame lines may be missing between them.

    A line is dropped only if it does not fit the room left, and the room never grows. So as long as more room is left
    than the longest frame line takes, no frame line was dropped and the stack is still right.
    """

    def __init__(self) -> None:
        self._truncated = False
        self._used = 0
        self.may_hide_frames = False

    def passed(self, line: str) -> None:
        if line == TRUNCATED:
            self._truncated = True
            return
        if self._truncated:
            self.may_hide_frames = LOG_LIMIT - self._used <= _LONGEST_FRAME_LINE
        self._used += len(line.encode())


def place_text(place: Place) -> str:
    """`2` or `2.5`."""
    return str(place[0]) if place[1] is None else f"{place[0]}.{place[1]}"


def instruction_at(
    place: Place, instructions: Sequence[Instruction], inner: Mapping[int, Sequence[Instruction]]
) -> Instruction:
    """The instruction at a place."""
    return instructions[place[0]] if place[1] is None else inner[place[0]][place[1]]


def inner_places(inner: Mapping[int, Sequence[Instruction]]) -> Iterator[tuple[Place, Instruction]]:
    """Every inner instruction with its place, in order of execution."""
    for top in sorted(inner):
        for at, instruction in enumerate(inner[top]):
            yield (top, at), instruction
