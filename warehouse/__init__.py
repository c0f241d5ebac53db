"""Shared ground of the warehouse: configuration, windows, clients and the processes of the embedded default."""
