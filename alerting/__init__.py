"""A failed check becomes an alert, is told once to each channel, and is resolved by a later check that holds."""
