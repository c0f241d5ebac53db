"""What a node answers to each JSON-RPC method, from what it knows of the chain at each commitment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox import rpc_params as read
from sandbox.chain_protocol import SignatureRow
from sandbox.chain_send import VALID_BLOCKS, ChainWithSent
from sandbox.chain_view import ChainView, Commitments
from sandbox.rpc_params import RpcError

NODE_VERSION = "2.3.7"
MAX_SIGNATURES = 1_000
MAX_STATUSES = 256
RECENT_SLOTS = 150  # how far back a node knows statuses without searching its history
ROOT_DEPTH = 32  # confirmations at which a block is final
ENCODINGS = ("json", "jsonParsed", "base58", "base64")


class Methods:
    """One node's answers. Each method takes the call's params and raises RpcError for an error answer."""

    def __init__(self, known: Commitments) -> None:
        self._known = known
        self.by_name = {
            "getBalance": self._get_balance,
            "getBlockHeight": self._get_block_height,
            "getBlockTime": self._get_block_time,
            "getFirstAvailableBlock": lambda params: self._known.confirmed.first_kept,
            "getHealth": self._get_health,
            "getSignatureStatuses": self._get_signature_statuses,
            "getSignaturesForAddress": self._get_signatures_for_address,
            "getSlot": self._get_slot,
            "getTokenAccountBalance": self._get_token_account_balance,
            "getTransaction": self._get_transaction,
            "getVersion": lambda params: {"feature-set": 2142755730, "solana-core": NODE_VERSION},
        }
        if isinstance(known.chain, ChainWithSent):
            self._sent = known.chain.sent
            self.by_name |= {
                "getLatestBlockhash": self._get_latest_blockhash,
                "sendTransaction": self._send_transaction,
            }

    def _asked(self, params: Sequence[Any], index: int) -> tuple[Mapping[str, Any], ChainView]:
        """The options at `index`, and the chain at their commitment, which must have reached minContextSlot."""
        config = read.options(params, index)
        view = self._known.view(read.commitment(config))
        least = config.get("minContextSlot")
        if least is not None and least > view.tip:
            data = {"contextSlot": view.tip}
            raise RpcError(read.MIN_CONTEXT_SLOT, "Minimum context slot has not been reached", data)
        return config, view

    def _get_health(self, params: Sequence[Any]) -> str:
        behind = self._known.lag
        if behind:
            raise RpcError(read.NODE_UNHEALTHY, f"Node is behind by {behind} slots", {"numSlotsBehind": behind})
        return "ok"

    def _get_slot(self, params: Sequence[Any]) -> int:
        return self._asked(params, 0)[1].tip

    def _get_block_height(self, params: Sequence[Any]) -> int:
        _, view = self._asked(params, 0)
        return view.tip - view.first_slot

    def _get_balance(self, params: Sequence[Any]) -> Any:
        address = read.address(params)
        _, view = self._asked(params, 1)
        return _context(view, view.lamports(address))

    def _get_token_account_balance(self, params: Sequence[Any]) -> Any:
        address = read.address(params)
        _, view = self._asked(params, 1)
        amount = view.token_amount(address)
        if amount is None:
            reason = "not a Token account" if view.history(address) else "could not find account"
            raise RpcError(read.INVALID_PARAMS, f"Invalid param: {reason}")
        return _context(view, amount)

    def _get_block_time(self, params: Sequence[Any]) -> Any:
        slot, view = params[0] if params else None, self._known.confirmed
        if not isinstance(slot, int) or isinstance(slot, bool) or slot < 0:
            raise RpcError(read.INVALID_PARAMS, "Invalid params: invalid type, expected u64.")
        if slot > view.tip:
            raise RpcError(read.BLOCK_NOT_AVAILABLE, f"Block not available for slot {slot}")
        if slot < view.first_slot:
            text = f"Block {slot} cleaned up, does not exist on node. First available block: {view.first_slot}"
            raise RpcError(read.BLOCK_CLEANED_UP, text)
        when = view.block_time(slot)
        if when is None:
            text = f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot"
            raise RpcError(read.SLOT_SKIPPED, text)
        return when

    def _get_signatures_for_address(self, params: Sequence[Any]) -> Any:
        address = read.address(params)
        config, view = self._asked(params, 1)
        read.refuse_processed(config)
        limit = config.get("limit")
        if limit is None:
            limit = MAX_SIGNATURES
        if not isinstance(limit, int) or not 0 < limit <= MAX_SIGNATURES:
            raise RpcError(read.INVALID_PARAMS, f"Invalid limit; max {MAX_SIGNATURES}")
        bounds: dict[str, SignatureRow | None] = {}
        for name in ("before", "until"):
            if config.get(name) is not None:
                bounds[name] = view.row(read.signature(config[name]))
        before, until = bounds.get("before"), bounds.get("until")
        if "before" in bounds and before is None:
            return []  # a node that does not know the signature has nothing before it
        rows = [
            row
            for row in view.history(address)
            if (before is None or row.order < before.order) and (until is None or row.order > until.order)
        ]
        return [self._listed(row) for row in rows[:limit]]

    def _listed(self, row: SignatureRow) -> dict[str, Any]:
        return {
            "blockTime": row.block_time,
            "confirmationStatus": self._known.status(row.signature),
            "err": row.err,
            "memo": row.memo,
            "signature": row.signature,
            "slot": row.slot,
        }

    def _get_signature_statuses(self, params: Sequence[Any]) -> Any:
        asked = params[0] if params else None
        if not isinstance(asked, list):
            raise RpcError(read.INVALID_PARAMS, "Invalid params: invalid type, expected a sequence.")
        if len(asked) > MAX_STATUSES:
            raise RpcError(read.INVALID_PARAMS, f"Too many inputs provided; max {MAX_STATUSES}")
        search = read.options(params, 1).get("searchTransactionHistory") is True
        view = self._known.confirmed
        if isinstance(self._known.chain, ChainWithSent):
            for text in asked:
                self._sent.asked(read.signature(text))
        return _context(view, [self._status(read.signature(text), search) for text in asked])

    def _status(self, signature: str, search: bool) -> dict[str, Any] | None:
        view, status = self._known.confirmed, self._known.status(signature)
        row = view.row(signature)
        if row is None or (status == "finalized" and row.slot <= view.tip - RECENT_SLOTS and not search):
            return None
        return {
            "confirmationStatus": status,
            "confirmations": None if status == "finalized" else min(view.tip - row.slot, ROOT_DEPTH - 1),
            "err": row.err,
            "slot": row.slot,
            "status": {"Ok": None} if row.err is None else {"Err": row.err},
        }

    def _get_latest_blockhash(self, params: Sequence[Any]) -> Any:
        _, view = self._asked(params, 0)
        height = view.tip - view.first_slot
        fresh = {"blockhash": self._sent.blockhash(view.tip), "lastValidBlockHeight": height + VALID_BLOCKS}
        return _context(view, fresh)

    def _send_transaction(self, params: Sequence[Any]) -> str:
        config = read.options(params, 1)
        encoding = config.get("encoding") or "base58"
        if encoding not in ("base58", "base64"):
            text = f"unsupported encoding: {encoding}. Supported encodings: base58, base64"
            raise RpcError(read.INVALID_PARAMS, text)
        text = params[0] if params else None
        return self._sent.send(self._known, text, encoding, config.get("skipPreflight") is not True)

    def _get_transaction(self, params: Sequence[Any]) -> Any:
        signature = read.signature(params[0] if params else None)
        if len(params) > 1 and isinstance(params[1], str):
            params = [params[0], {"encoding": params[1]}]
        config, view = self._asked(params, 1)
        read.refuse_processed(config)
        encoding = config.get("encoding") or "json"
        if encoding not in ENCODINGS:
            text = f"Invalid params: unknown variant `{encoding}`{read.one_of(ENCODINGS)}"
            raise RpcError(read.INVALID_PARAMS, text)
        result = view.transaction(signature, encoding)
        if result is None or config.get("maxSupportedTransactionVersion") is not None:
            return result
        if result.get("version", "legacy") != "legacy":
            raise RpcError(
                read.UNSUPPORTED_VERSION,
                f"Transaction version ({result['version']}) is not supported by the requesting client. Please try "
                'the request again with the following configuration parameter: "maxSupportedTransactionVersion": '
                f"{result['version']}",
            )
        return {name: value for name, value in result.items() if name != "version"}


def _context(view: ChainView, value: Any) -> dict[str, Any]:
    return {"context": {"apiVersion": NODE_VERSION, "slot": view.tip}, "value": value}
