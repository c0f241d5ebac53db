"""Failures that a person mends; each is one line that says how, and is shown without a traceback."""

from __future__ import annotations


class SourceUnavailable(RuntimeError):
    """A source can't be read now. The message is one line, names what to mend, and never holds a secret."""
