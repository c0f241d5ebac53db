"""Right answers made wrong the way providers do it: entries twice, pages shuffled, nulls, batches with ids left out.

An answer is what RpcServer.handle_body gives: one object, a list of them, or None; `calls` is the request in the same
form. None of these functions changes its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

LISTING = "getSignaturesForAddress"


def methods_of(calls: Any) -> frozenset[str]:
    """The methods that a request calls; empty for what is no request."""
    listed = calls if isinstance(calls, list) else [calls]
    return frozenset(str(call.get("method")) for call in listed if isinstance(call, Mapping))


def with_null_transactions(answer: Any, calls: Any, is_null: Callable[[str], bool]) -> Any:
    """getTransaction is null for signatures for which `is_null` holds."""

    def changed(call: Mapping[str, Any], result: Any) -> Any:
        params = call.get("params") or [None]
        return None if call["method"] == "getTransaction" and is_null(str(params[0])) else result

    return _mapped(answer, calls, changed)


def with_duplicates(answer: Any, calls: Any, share: float, dice: Random) -> Any:
    """A share of the entries of a listing page, one at least, come twice, the copy anywhere behind the entry."""

    def changed(call: Mapping[str, Any], result: Any) -> Any:
        if call["method"] != LISTING or not result:
            return result
        page = list(result)
        for entry in dice.sample(result, max(1, round(len(result) * share))):
            page.insert(dice.randint(page.index(entry) + 1, len(page)), entry)
        return page

    return _mapped(answer, calls, changed)


def out_of_order(answer: Any, calls: Any, reach: int, dice: Random) -> Any:
    """A listing page whose entries are shuffled among `reach` neighbours; a page of two or more is never in order."""

    def changed(call: Mapping[str, Any], result: Any) -> Any:
        if call["method"] != LISTING or not result or len(result) < 2:
            return result
        page: list[Any] = []
        for at in range(0, len(result), reach):
            page += dice.sample(part := result[at : at + reach], len(part))
        if page == result:
            page[0], page[1] = page[1], page[0]
        return page

    return _mapped(answer, calls, changed)


def partial_batch(answer: Any, left_out: float, dice: Random) -> Any:
    """A batch answer without a share of its ids, one at least; what is no batch stays whole."""
    if not isinstance(answer, list):
        return answer
    kept = len(answer) - max(1, round(len(answer) * left_out))
    return [answer[n] for n in sorted(dice.sample(range(len(answer)), kept))]


def _mapped(answer: Any, calls: Any, change: Callable[[Mapping[str, Any], Any], Any]) -> Any:
    """The answer with each result changed as its call demands; calls and answers are matched by id."""
    if isinstance(answer, list):
        by_id = {repr(call["id"]): call for call in calls if isinstance(call, Mapping) and "id" in call}
        return [_changed(one, by_id.get(repr(one["id"])), change) for one in answer]
    return _changed(answer, calls, change)


def _changed(one: Any, call: Any, change: Callable[[Mapping[str, Any], Any], Any]) -> Any:
    if not isinstance(one, Mapping) or "result" not in one or not isinstance(call, Mapping):
        return one
    return {**one, "result": change(call, one["result"])}
