"""The competitors' own environment below WAREHOUSE_HOME, from benchmarks/requirements-competitors.txt."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements-competitors.txt"


class CompetitorsMissing(RuntimeError):
    """The competitors can't be installed."""


def competitors_python() -> Path:
    """Python of that environment, made when it is missing or out of date. Raises CompetitorsMissing."""
    folder = Path(os.environ.get("WAREHOUSE_HOME", "var")) / "bench-venv"
    python, stamp = folder / "bin" / "python", folder / "installed.txt"
    if stamp.is_file() and stamp.read_bytes() == REQUIREMENTS.read_bytes():
        return python
    uv = [sys.executable, "-m", "uv"]
    try:
        for command in (
            [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
            [*uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(REQUIREMENTS)],
        ):
            subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = (getattr(error, "stderr", "") or str(error)).strip().splitlines()[-1:]
        raise CompetitorsMissing(f"the competitors can't be installed ({' '.join(detail)})") from None
    stamp.write_bytes(REQUIREMENTS.read_bytes())
    return python
