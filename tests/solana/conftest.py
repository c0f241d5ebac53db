"""Contexts of the platforms that the project ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from solana_context import ROOT, context_of

from ingestion.base import Context
from warehouse.config import load_config


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Context]:
    """Context of a platform of config/warehouse.yml, its home in a temporary folder."""

    def make(platform: str = "skill_match", **environment: str) -> Context:
        monkeypatch.chdir(ROOT)
        for name, value in {"WAREHOUSE_HOME": str(tmp_path), "WAREHOUSE_PLATFORM": platform, **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("WAREHOUSE_CONFIG", raising=False)
        return context_of(load_config())

    return make
