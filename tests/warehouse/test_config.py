from __future__ import annotations

import pytest
import yaml

from sandbox import addresses, job_operations
from warehouse.config import DEFAULT_PATH, ConfigError, load_config
from warehouse.profile import PROFILES, load_profile


@pytest.fixture
def document(monkeypatch) -> dict:
    for name in ("WAREHOUSE_CONFIG", "WAREHOUSE_HOME", "WAREHOUSE_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    return yaml.safe_load(DEFAULT_PATH.read_text())


def load(document: dict, tmp_path):
    path = tmp_path / "warehouse.yml"
    path.write_text(yaml.safe_dump(document))
    return load_config(path)


def test_the_shipped_file_names_the_sandbox_addresses(document, tmp_path):
    own = load(document, tmp_path).own
    assert own.program_id == addresses.PROGRAM_ID
    assert {vault.mint: vault.address for vault in own.vaults} == addresses.VAULTS
    assert set(own.treasury) == set(addresses.TREASURY_ACCOUNTS.values())
    assert own.fee_payers == [addresses.FEE_PAYER]


def test_the_other_platforms_have_the_sandbox_addresses_and_only_their_sources(document, tmp_path):
    for name, vaults, enabled in (
        ("job_escrow", job_operations.VAULTS, {"solana"}),
        ("token_exchange", {}, {"solana", "firebase"}),
        ("skill_match", addresses.VAULTS, {"solana", "firebase", "stripe", "cloudflare"}),
    ):
        config = load(document | {"platform": name}, tmp_path)
        assert config.own.program_id == addresses.ANCHOR_PROGRAMS[name]
        assert {vault.mint: vault.address for vault in config.own.vaults} == vaults
        sources = ("solana", "firebase", "stripe", "cloudflare")
        assert {source for source in sources if getattr(config.sources, source).enabled} == enabled
    jobs = load(document | {"platform": "job_escrow"}, tmp_path).own
    assert tuple(jobs.arbiters) == job_operations.ARBITERS
    assert not jobs.own_addresses() & set(jobs.arbiters)


def test_an_unknown_key_is_named(document, tmp_path):
    document["sources"]["stripe"]["api_kee"] = "x"
    with pytest.raises(ConfigError, match=r"sources\.stripe\.api_kee: unknown key"):
        load(document, tmp_path)


def test_every_wrong_key_is_named_at_once(document, tmp_path):
    document["target"] = "bigqueri"
    document["sources"]["solana"]["providers"][0]["batch_size"] = 0
    with pytest.raises(ConfigError) as error:
        load(document, tmp_path)
    assert "target: " in str(error.value)
    assert "sources.solana.providers.0.batch_size: " in str(error.value)


def test_a_secret_written_into_the_file_is_refused_and_not_repeated(document, tmp_path):
    document["sources"]["stripe"]["api_key_env"] = "rk_live_51Habc"
    with pytest.raises(ConfigError, match=r"sources\.stripe\.api_key_env") as error:
        load(document, tmp_path)
    assert "rk_live_51Habc" not in str(error.value)


def test_a_missing_environment_variable_is_named(document, tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET_ANYWHERE", raising=False)
    document["landing"] = "gs://${NOT_SET_ANYWHERE}"
    with pytest.raises(ConfigError, match="NOT_SET_ANYWHERE is not set"):
        load(document, tmp_path)


def test_a_platform_without_addresses_is_refused(document, tmp_path):
    document["platform"] = "nobody"
    with pytest.raises(ConfigError, match="'nobody' has no entry under platforms"):
        load(document, tmp_path)


def test_a_local_landing_is_refused_on_bigquery(document, tmp_path):
    document |= {"target": "bigquery", "landing": "/data/landing"}
    with pytest.raises(ConfigError, match="landing must be a gs:// address"):
        load(document, tmp_path)


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "not YAML"), ("just text", "expected keys"), (None, "can't be read")]
)
def test_an_unusable_file_is_one_clear_line(tmp_path, text, message):
    path = tmp_path / "warehouse.yml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(path)


@pytest.mark.parametrize("name", sorted(path.stem for path in PROFILES.glob("*.yml")))
def test_shipped_profiles_are_valid(document, tmp_path, name):
    profile = load_profile(load(document | {"platform": name}, tmp_path))
    assert profile.name == name


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"event": "E", "canonical": "deposit", "mint": "event.mint", "vault": "event.vault"}, "needs amount"),
        ({"event": "E", "canonical": "depositt"}, "no canonical event"),
        ({"event": "E", "canonical": "paused", "escrow": "field.x"}, r"events\.0\.escrow"),
    ],
)
def test_a_wrong_mapping_names_its_place(document, tmp_path, mapping, message):
    config = load(document, tmp_path)
    (tmp_path / "skill_match.yml").write_text(
        yaml.safe_dump({"name": "skill_match", "idl": {"input": "x"}, "events": [mapping]})
    )
    with pytest.raises(ConfigError, match=message):
        load_profile(config, tmp_path)
