"""The proof that no transaction of an account is missing, and the re-read of what it misses."""
