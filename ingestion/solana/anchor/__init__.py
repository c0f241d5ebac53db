"""Anchor events: IDLs, Borsh, log frames and both emission channels. Pure functions, no I/O."""
