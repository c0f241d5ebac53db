"""What a build counts as failed: dbt is told to warn of failed data tests, and to go on."""

from __future__ import annotations

import json

from jobs.dbt_build import _meant_as_failures


def test_a_warning_is_a_failure_unless_the_test_only_warns(tmp_path):
    manifest = tmp_path / "manifest.json"
    nodes = {"test.p.identity": {"tags": []}, "test.p.doubt": {"tags": ["only_warns"]}}
    manifest.write_text(json.dumps({"nodes": nodes}))
    assert _meant_as_failures(["test.p.identity", "test.p.doubt"], manifest) == ["test.p.identity"]


def test_without_warnings_nothing_is_read(tmp_path):
    assert _meant_as_failures([], tmp_path / "absent.json") == []
