"""Every on-chain address of the simulated platform, derived from fixed seeds.

The same labels give the same keys on each machine, so config/warehouse.yml can name the addresses literally.
All addresses are base58 strings; a `Keypair` is only handed out where something must be signed.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

SYSTEM_PROGRAM = "11111111111111111111111111111111"
TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
ASSOCIATED_TOKEN_PROGRAM = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
COMPUTE_BUDGET_PROGRAM = "ComputeBudget111111111111111111111111111111"
MEMO_PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXDLGmgcfHr"


@cache
def keypair(label: str) -> Keypair:
    """The signing key of one named party, e.g. "fee_payer" or "user/u0001"."""
    return Keypair.from_seed(sha256(f"skill_match/{label}".encode()).digest())


def address(label: str) -> str:
    """Base58 public key of a named party."""
    return str(keypair(label).pubkey())


PROGRAM_ID = address("program")
ANCHOR_PROGRAMS = {
    "skill_match": PROGRAM_ID,
    "job_escrow": address("job_escrow/program"),
    "token_exchange": address("token_exchange/program"),
}
"""Call.program of the platforms' own programs -> program id."""
EXECUTOR_PROGRAM = address("executor_program")  # a relayer that enters our program by CPI
LOOKALIKE_PROGRAM = address("lookalike_program")  # emits our events' bytes under its own name
LOOKUP_TABLE = address("lookup_table")

USDC_MINT = address("mint/usdc")
SKILL_MINT = address("mint/skill")
MINTS = (USDC_MINT, SKILL_MINT)
DECIMALS = {USDC_MINT: 6, SKILL_MINT: 9}
SYMBOLS = {USDC_MINT: "USDC", SKILL_MINT: "SKILL"}

FEE_PAYER = address("fee_payer")  # pays the network fee of the platform's own transactions
AUTHORITY = address("authority")  # signs create, settle, cancel, pause
TREASURY = address("treasury")  # wallet that owns the treasury token accounts
DELEGATE = address("vault_delegate")  # may move vault tokens without the program: only the injected fault does
FAUCET = address("faucet")  # funds the platform's wallets in the first seconds
MINT_AUTHORITY = address("mint_authority")  # mints the treasury's first tokens
BYSTANDER = address("bystander")  # pays for a transaction that names the program and moves nothing of the platform's
OUTSIDER = address("outsider")  # receives what the injected fault takes


@cache
def program_address(*seeds: bytes, program: str = "skill_match") -> str:
    """Program-derived address of a simulated program for these seeds."""
    return str(Pubkey.find_program_address(list(seeds), Pubkey.from_string(ANCHOR_PROGRAMS[program]))[0])


@cache
def token_account(owner: str, mint: str) -> str:
    """Associated token account of `owner` for `mint`."""
    return str(get_associated_token_address(Pubkey.from_string(owner), Pubkey.from_string(mint)))


def wallet_label(uid: str) -> str:
    """Seed label of a user's wallet."""
    return f"user/{uid}"


def balance_account(wallet: str, mint: str) -> str:
    """The program's account that holds a user's balance inside the vault."""
    return program_address(b"balance", bytes(Pubkey.from_string(wallet)), bytes(Pubkey.from_string(mint)))


def match_account(match_id: str) -> str:
    """The program's escrow account of one match."""
    return program_address(b"match", match_id.encode())


VAULT_AUTHORITY = program_address(b"vault_authority")
EVENT_AUTHORITIES = {name: program_address(b"__event_authority", program=name) for name in ANCHOR_PROGRAMS}
EVENT_AUTHORITY = EVENT_AUTHORITIES["skill_match"]
VAULTS = {mint: token_account(VAULT_AUTHORITY, mint) for mint in MINTS}  # mint -> vault token account
TREASURY_ACCOUNTS = {mint: token_account(TREASURY, mint) for mint in MINTS}  # mint -> treasury token account
