"""A configuration of RPC faults that cannot be used is refused with the place of its mistake."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.rpc_faults import FaultConfigError, read_faults


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ([], "RPC faults: the document: "),
        ({"gamma": {}}, "RPC faults: gamma: Extra inputs"),
        ({"alpha": {"gremlins": {}}}, "RPC faults: alpha.gremlins: Extra inputs"),
        ({"alpha": {"behind": {}}}, "RPC faults: alpha.behind.slots: Field required"),
        ({"beta": {"omit": {"share": 2}}}, "RPC faults: beta.omit.share: Input should be less than or equal to 1"),
        ({"beta": {"down": {"form": "502"}}}, "RPC faults: beta.down.form: Input should be '503' or 'dropped'"),
    ],
    ids=["list", "provider", "kind", "lag", "share", "form"],
)
def test_a_wrong_configuration_names_its_place(document: Any, words: str) -> None:
    with pytest.raises(FaultConfigError) as refused:
        read_faults(document)
    assert str(refused.value).startswith(words)
