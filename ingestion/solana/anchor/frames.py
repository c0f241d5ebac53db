"""Which program wrote a log line: the stack of `Program X invoke [n]` ... `success` / `failed` lines.

Only whole log elements count: text that a program logs (`Program log: ...`) can hold anything, newlines and imitations
of these lines among it, and is never read as structure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ingestion.solana.transaction import Instruction

Place = tuple[int, int | None]
"""(top-level index, inner index), inner None for the top-level instruction itself."""

TRUNCATED = "Log truncated"
LOG_LIMIT = 10_000
_LONGEST_FRAME_LINE = len("Program " + "1" * 44 + " invoke [10]")
_LOG, _DATA = "Program log: ", "Program data: "
_SILENT = frozenset(
    {
        "Ed25519SigVerify111111111111111111111111111",
        "KeccakSecp256k11111111111111111111111111111",
        "Secp256r1SigVerify1111111111111111111111111",
    }
)
"""Precompiles run without log lines."""


@dataclass(frozen=True)
class LogToken:
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


@dataclass
class LogScan:
    """Tokens of a log in order, and the caller of each inner instruction as far as the frames tell."""

    tokens: list[LogToken] = field(default_factory=list)
    callers: dict[Place, Place | None] = field(default_factory=dict)


@dataclass
class _Frame:
    program: str | None
    place: Place | None


class _Placer:
    """Follows the invocations of the log through the instructions of the transaction, in step."""

    def __init__(self, instructions: Sequence[Instruction], inner: Mapping[int, Sequence[Instruction]]) -> None:
        self._top = list(instructions)
        self._inner = inner
        self._at, self._at_inner = -1, 0
        self._in_step = True

    def place(self, program: str, depth: int) -> Place | None:
        """Place of the next invocation; None once log and instructions disagree."""
        if depth == 1:
            self._at, self._at_inner = _next(self._top, self._at + 1, program), 0
            self._in_step = self._at < len(self._top)
            return (self._at, None) if self._in_step else None
        group = self._inner.get(self._at, ())
        found = _next(group, self._at_inner, program) if self._in_step else len(group)
        self._in_step = self._in_step and found < len(group) and group[found].height in (None, depth)
        self._at_inner = found + 1
        return (self._at, found) if self._in_step else None


def _next(group: Sequence[Instruction], at: int, program: str) -> int:
    """Index of `program` at or behind `at`, past precompiles only; len(group) when something else comes first."""
    while at < len(group) and group[at].program_id != program:
        if group[at].program_id not in _SILENT:
            return len(group)
        at += 1
    return at


def scan_logs(
    logs: Sequence[str], instructions: Sequence[Instruction], inner: Mapping[int, Sequence[Instruction]]
) -> LogScan:
    """Tokens of the log with the program that wrote each."""
    scan, placer = LogScan(), _Placer(instructions, inner)
    stack: list[_Frame] = []
    broken = False
    room = _Room(logs)
    for number, line in enumerate(logs):
        room.passed(line)
        if line.startswith(_LOG):
            if _imitates(line):
                scan.tokens.append(_token(number, 0, line, stack, broken, room, imitation=True))
        elif line.startswith(_DATA):
            for at, text in enumerate(line[len(_DATA) :].split(" ")):
                if text:
                    scan.tokens.append(_token(number, at, text, stack, broken, room))
        elif (frame := _frame_line(line)) is not None:
            program, depth = frame
            entering = depth > 0
            broken = _enter(stack, frame, broken, placer, scan) if entering else _leave(stack, program, broken)
    return scan


def _frame_line(line: str) -> tuple[str, int] | None:
    """(program, depth) of an invoke line, (program, 0) of a success or failed line, None for any other."""
    words = line.split(" ", 3)
    if len(words) < 3 or words[0] != "Program" or not 32 <= len(words[1]) <= 44 or words[1].endswith(":"):
        return None
    match words[2:]:
        case ["invoke", depth] if (
            depth.startswith("[") and depth.endswith("]") and depth[1:-1].isdecimal() and int(depth[1:-1])
        ):
            return words[1], int(depth[1:-1])
        case ["success"] | ["failed:", _] | ["failed:"]:
            return words[1], 0
    return None


def _enter(stack: list[_Frame], frame: tuple[str, int], broken: bool, placer: _Placer, scan: LogScan) -> bool:
    program, depth = frame
    if depth == 1:
        broken = False  # whatever was open before, a top-level invocation is a fresh start
    elif depth != len(stack) + 1:
        broken = True
    del stack[depth - 1 :]
    stack.extend(_Frame(None, None) for _ in range(min(depth, 64) - 1 - len(stack)))
    place = placer.place(program, depth)
    if place is not None and depth > 1:
        scan.callers[place] = stack[-1].place
    stack.append(_Frame(program, place))
    return broken


def _leave(stack: list[_Frame], program: str, broken: bool) -> bool:
    if stack and stack[-1].program == program:
        stack.pop()
        return broken
    for at in range(len(stack) - 1, -1, -1):
        if stack[at].program == program:
            del stack[at:]
            break
    return True


def _imitates(line: str) -> bool:
    """Whether a logged message shows a `Program data:` line to a careless reader."""
    return _DATA in line and any(part.startswith(_DATA) for part in line[len(_LOG) :].splitlines())


def _token(
    number: int, at: int, text: str, stack: list[_Frame], broken: bool, room: _Room, imitation: bool = False
) -> LogToken:
    frame = stack[-1] if stack else _Frame(None, None)
    doubt = "unmatched_frames" if broken or not stack else "log_truncated" if room.may_hide_frames else ""
    return LogToken(number, at, text, frame.program, None if doubt else frame.place, doubt, imitation)


class _Room:
    """After `Log truncated` the runtime still writes lines that fit, so frame lines may be missing between them.

    A line is dropped only if it does not fit the room left, and the room never grows. So as long as more room is left
    than the longest frame line takes, no frame line was dropped and the stack is still right.
    """

    def __init__(self, logs: Sequence[str]) -> None:
        self._cut = TRUNCATED in logs
        self._truncated = False
        self._used = 0
        self.may_hide_frames = False

    def passed(self, line: str) -> None:
        if not self._cut:
            return
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
