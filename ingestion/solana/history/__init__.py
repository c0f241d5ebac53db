"""The chain as it is read: coverage of addresses, listings, landing, backfill."""
