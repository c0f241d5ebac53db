"""Solana JSON-RPC providers: the pool, one provider, requests and answers."""
