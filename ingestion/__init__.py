"""source -> landing -> raw: read a window, keep what was received, load it exactly once."""
