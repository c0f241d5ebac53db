# Two commands matter: `make run` and `make test`. Both set up everything they need.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
READER := ingestion/firebase/export_reader
export WAREHOUSE_HOME ?= var
unexport PYTHONDONTWRITEBYTECODE # a run is dozens of processes; each would compile what it imports again
export PYTHONWARNINGS := ignore::FutureWarning,ignore::DeprecationWarning
ifdef PROFILE
export WAREHOUSE_PLATFORM := $(PROFILE)
endif

.DEFAULT_GOAL := help
.PHONY: help run test lint browser setup up down doctor campaign drill bench clean lock

help: ## what can be done here
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18
	@echo '  variables of run: FAULT="NAME ..."  INPUT=FOLDER PROFILE=NAME  START=... END=...'

setup: $(READY) ## install the pinned requirements into .venv, those of the managed-export reader into one of its own

$(READY): requirements.txt $(READER)/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned requirements into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv==0.9.30'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	@$(BIN)/python -c 'import duckdb_extensions; duckdb_extensions.import_extension("spatial")'
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/export-reader
	@$(BIN)/uv pip install --quiet --python $(VENV)/export-reader/bin/python -r $(READER)/requirements.txt
	@touch $(READY)

run: $(READY) ## hourly and nightly jobs through Airflow on the embedded warehouse, then a summary
	@$(BIN)/python -m jobs run $(foreach f,$(FAULT),--fault $(f)) $(if $(INPUT),--input $(INPUT)) $(if $(START),--start $(START)) $(if $(END),--end $(END))

test: $(READY) browser lint ## lint and tests
	$(BIN)/python -m pytest

browser: # the report is opened in a real browser where one is, or may be, installed
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	    apt-get -qq update >/dev/null 2>&1 && apt-get -qq -y install chromium >/dev/null 2>&1; } || \
	  echo 'no chromium: the browser test will be skipped'

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python dbt_project/lint.py

up: $(READY) ## Airflow's web page and scheduler on the embedded warehouse
	@$(BIN)/python -m jobs up

down: $(READY) ## stop what `make up` started
	@$(BIN)/python -m jobs down

doctor: $(READY) ## check sources, credentials, buckets, datasets and permissions
	@$(BIN)/python -m jobs doctor

campaign: $(READY) ## the long tests, hours of them; docs/measured.md has what each showed last
	CAMPAIGN=1 $(BIN)/python -m pytest -n 0 tests/flow/test_kill.py tests/dbt/test_arrivals.py tests/solana/test_borsh_roundtrip.py tests/sources/test_fuzz.py tests/audit/test_verifier.py tests/audit/test_seal.py tests/audit/test_tree_sql.py tests/audit/test_tampering.py tests/audit/test_gap_campaign.py tests/audit/test_eight_years.py tests/alerting/test_rule_campaign.py tests/alerting/test_scenarios.py tests/alerting/test_crashes.py
	$(BIN)/python tests/solana/chain_campaign.py faults --runs 200
	$(BIN)/python tests/solana/chain_campaign.py deletions --runs 100
	$(BIN)/python tests/solana/chain_campaign.py deletions --runs 100 --listings 2
	$(BIN)/python tests/sources/source_campaign.py --runs 300

drill: $(READY) ## chaos exercises on the sandbox through Airflow, in a home of their own; ends with an HTML report
	@$(BIN)/python -m drills run

bench: $(READY) ## speed, as ratios measured side by side
	$(BIN)/python -m benchmarks

lock: ## compile requirements.txt again, as of a date (newest of everything installs a broken Airflow)
	$(BIN)/uv pip compile --quiet requirements.in --python-version 3.11 --exclude-newer 2026-09-20 \
	  --custom-compile-command 'make lock' -o requirements.txt
	$(BIN)/uv pip compile --quiet $(READER)/requirements.in --python-version 3.11 --exclude-newer 2026-09-20 \
	  --custom-compile-command 'make lock' -o $(READER)/requirements.txt

clean: ## remove everything that runs have written
	rm -rf $(WAREHOUSE_HOME) dbt_project/target dbt_project/logs
