"""Runs a transaction's calls as a validator would report them: log frames, inner instructions, compute units.

The programs themselves are not executed: a Call already says which events, transfers and accounts result.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import base58
from solders.pubkey import Pubkey

from sandbox import addresses as a
from sandbox.anchor_encode import EVENT_CPI_TAG, AnchorEncoder
from sandbox.chain_native import create_account_data, transfer_data
from sandbox.model import Call, EventPlan, Rent

PROGRAM_IDS = {
    **a.ANCHOR_PROGRAMS,
    "token": a.TOKEN_PROGRAM,
    "lookalike": a.LOOKALIKE_PROGRAM,
    "system": a.SYSTEM_PROGRAM,
    "associated_token": a.ASSOCIATED_TOKEN_PROGRAM,
}
TOKEN_UNITS = {"transfer_checked": 6_200, "mint_to": 4_500}
BUILTIN_UNITS = 150


def camel(snake: str) -> str:
    """`create_match` -> `CreateMatch`, as Anchor logs an instruction's name."""
    return "".join(part.capitalize() for part in snake.split("_"))


class Run:
    """One transaction's execution. `keys` maps each account to its index in the transaction's full key list.

    `encoder` gives the encoder of a program by its name (see addresses.ANCHOR_PROGRAMS).
    """

    def __init__(
        self, encoder: Callable[[str], AnchorEncoder], keys: Mapping[str, int], units: int, rng: Random
    ) -> None:
        self.logs: list[str] = []
        self.inner: list[dict[str, Any]] = []  # meta.innerInstructions
        self.units_left = units
        self._limit = units
        self._encoder = encoder
        self._keys = keys
        self._rng = rng
        self._current: list[dict[str, Any]] = []

    @property
    def consumed(self) -> int:
        """Compute units used so far."""
        return self._limit - self.units_left

    def builtin(self, program: str, depth: int = 1) -> None:
        """A program that logs its frame but no consumption: compute budget, system."""
        self.logs += [f"Program {program} invoke [{depth}]", f"Program {program} success"]
        self.units_left -= BUILTIN_UNITS

    def call(self, index: int, call: Call) -> bool:
        """Run the top-level instruction at `index`; False when it fails, after which nothing more runs."""
        self._current = []
        if call.program == "token":
            name = call.instruction
            self._frame(a.TOKEN_PROGRAM, 1, TOKEN_UNITS[name], lambda: self._say(f"Instruction: {camel(name)}"))
        elif call.program == "system":
            self.builtin(a.SYSTEM_PROGRAM)
        elif call.program == "associated_token":
            payer, account, owner, mint = (call.accounts[name] for name in ("payer", "account", "owner", "mint"))
            self._token_account((payer, account, owner, mint), call.rents[0].lamports, 1)
        elif call.program == "lookalike":
            self._frame(a.LOOKALIKE_PROGRAM, 1, 3_900, lambda: self._mimic(call))
        elif call.via_executor:
            self._frame(a.EXECUTOR_PROGRAM, 1, 4_700, lambda: self._relay(call))
        else:
            self._frame(PROGRAM_IDS[call.program], 1, 9_000, lambda: self._anchor(call, 1), call)
        if self._current:
            self.inner.append({"index": index, "instructions": self._current})
        return call.error is None

    def _say(self, text: str) -> None:
        self.logs.append(f"Program log: {text}")

    def _frame(self, program: str, depth: int, own: int, body: Callable[[], None], call: Call | None = None) -> None:
        entry = self.units_left
        self.logs.append(f"Program {program} invoke [{depth}]")
        body()
        self.units_left -= own + self._rng.randint(0, own // 4)
        error = call.error if call else None
        if call and error:
            code, name = error
            self._say(
                f"AnchorError thrown in programs/{call.program}/src/lib.rs:{code - 5700}. Error Code: {name}. "
                f"Error Number: {code}. Error Message: {self._encoder(call.program).error_message(code)}."
            )
        self.logs.append(f"Program {program} consumed {entry - self.units_left} of {entry} compute units")
        outcome = f"failed: custom program error: {error[0]:#x}" if error else "success"
        self.logs.append(f"Program {program} {outcome}")

    def _inner(self, program: str, accounts: list[str], data: bytes, depth: int) -> None:
        self._current.append(
            {
                "programIdIndex": self._keys[program],
                "accounts": [self._keys[account] for account in accounts],
                "data": base58.b58encode(data).decode(),
                "stackHeight": depth,
            }
        )

    def _mimic(self, call: Call) -> None:
        self._say("Instruction: Mimic")
        for event in call.events:
            self._log_event("skill_match", event)

    def _relay(self, call: Call) -> None:
        self._say("Instruction: Relay")
        accounts = [*call.accounts.values(), *call.remaining]
        program, data = PROGRAM_IDS[call.program], self._encoder(call.program).instruction(call.instruction, call.args)
        self._inner(program, accounts, data, 2)
        self._frame(program, 2, 9_000, lambda: self._anchor(call, 2))

    def _anchor(self, call: Call, depth: int) -> None:
        self._say(f"Instruction: {camel(call.instruction)}")
        for rent in call.rents:
            if call.instruction == "initialize":
                self._create_vault(call, rent, depth + 1)
            elif rent.created:
                accounts, data = [rent.source, rent.destination], self._rent_data(call, rent)
                self._inner(a.SYSTEM_PROGRAM, accounts, data, depth + 1)
                self.builtin(a.SYSTEM_PROGRAM, depth + 1)
        for move in call.moves:
            accounts = [move.source, move.mint, move.destination, move.authority]
            self._inner(a.TOKEN_PROGRAM, accounts, transfer_data(move), depth + 1)
            self._frame(a.TOKEN_PROGRAM, depth + 1, 6_200, lambda: self._say("Instruction: TransferChecked"))
        for event in call.events:
            if call.channel in ("log", "both"):
                self._log_event(call.program, event)
            if call.channel in ("cpi", "both"):
                program = PROGRAM_IDS[call.program]
                data = EVENT_CPI_TAG + self._encoder(call.program).event(event.name, event.fields)
                self._inner(program, [a.EVENT_AUTHORITIES[call.program]], data, depth + 1)
                self._frame(program, depth + 1, 2_000, lambda: None)

    def _log_event(self, program: str, event: EventPlan) -> None:
        data = self._encoder(program).event(event.name, event.fields)
        self.logs.append(f"Program data: {b64encode(data).decode()}")

    @staticmethod
    def _rent_data(call: Call, rent: Rent) -> bytes:
        space = rent.lamports // 6_960 - 128  # 6,960 lamports a byte, 128 bytes of overhead
        return create_account_data(rent.lamports, space, PROGRAM_IDS[call.program])

    def _create_vault(self, call: Call, rent: Rent, depth: int) -> None:
        mint, owner = call.accounts["mint"], call.accounts["vault_authority"]
        accounts = [rent.source, rent.destination, owner, mint, a.SYSTEM_PROGRAM, a.TOKEN_PROGRAM]
        self._inner(a.ASSOCIATED_TOKEN_PROGRAM, accounts, bytes([0]), depth)
        self._token_account((rent.source, rent.destination, owner, mint), rent.lamports, depth)

    def _token_account(self, keys: tuple[str, str, str, str], lamports: int, depth: int) -> None:
        """The associated token program's Create; `keys` are payer, account, owner and mint."""
        payer, account, owner, mint = keys

        def body() -> None:
            self._say("Create")
            self._token(depth + 1, [mint], bytes([21, 7, 0]), "GetAccountDataSize", "pQAAAAAAAAA=")
            data = create_account_data(lamports, 165, a.TOKEN_PROGRAM)
            self._inner(a.SYSTEM_PROGRAM, [payer, account], data, depth + 1)
            self.builtin(a.SYSTEM_PROGRAM, depth + 1)
            self._say("Initialize the associated token account")
            self._token(depth + 1, [account], bytes([22]), "InitializeImmutableOwner")
            data = bytes([18]) + bytes(Pubkey.from_string(owner))
            self._token(depth + 1, [account, mint], data, "InitializeAccount3")

        self._frame(a.ASSOCIATED_TOKEN_PROGRAM, depth, 8_000, body)

    def _token(self, depth: int, accounts: list[str], data: bytes, name: str, returned: str | None = None) -> None:
        self._inner(a.TOKEN_PROGRAM, accounts, data, depth)

        def body() -> None:
            self._say(f"Instruction: {name}")

        self._frame(a.TOKEN_PROGRAM, depth, 1_500, body)
        if returned:
            self.logs.insert(-1, f"Program return: {a.TOKEN_PROGRAM} {returned}")
