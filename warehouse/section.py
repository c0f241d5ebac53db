"""What sections of the configuration are made of: a base that refuses unknown keys, and checked texts."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Base58 = Annotated[str, Field(pattern=r"^[1-9A-HJ-NP-Za-km-z]{32,44}$")]
GsUri = Annotated[str, Field(pattern=r"^gs://[a-z0-9][a-z0-9._-]+(/.*)?$")]
EnvName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$", description="name of an environment variable")]


class Section(BaseModel):
    """Every section refuses keys that it doesn't know."""

    model_config = ConfigDict(extra="forbid", frozen=True)
