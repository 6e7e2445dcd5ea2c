# make help | make run | make test: each does all its set-up.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PART ?=
BACKUP ?= backup
# Read when it runs, since `make secrets` may have just written one
COMPOSE = docker compose $$(for file in .env finsync.env; do [ -f $$file ] && echo --env-file $$file; done)
PYTEST_ARGS ?=

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(BIN)/.ready .env finsync.env ## virtual environment, .env, finsync.env, local Dagster instance

$(BIN)/.ready: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "FinSync needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

.env finsync.env: $(BIN)/.ready
	$(BIN)/finsync setup
	touch $@

LOCK := .venv-lock/bin/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url
EXTRA := import sys, tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*project["optional-dependencies"][sys.argv[1]], *sys.argv[2:], sep="\n")

lock: ## the newest versions within the ranges of pyproject.toml, with hashes: all, and those of each image
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'
	$(LOCK) --upgrade --extra dev --output-file requirements.lock pyproject.toml
	$(PYTHON) -c '$(EXTRA)' pipeline hatchling editables | $(LOCK) -c requirements.lock -o requirements.pipeline.lock -
	$(PYTHON) -c '$(EXTRA)' services | $(LOCK) -c requirements.lock -o requirements.services.lock -
	rm -rf .venv-lock

run: setup ## the main job: services up, all assets materialized, release published
	$(BIN)/finsync run --with-services

dev: setup ## services, the Dagster web UI on http://127.0.0.1:3000 and the explorer on port 3001
	$(BIN)/finsync dev --with-services

test: setup ## all tests
	$(BIN)/pytest -q -n auto --dist worksteal $(PYTEST_ARGS)

lint: setup ## format, lint, which package imports which, and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

docs: setup ## the pages that are made from the code
	$(BIN)/python -m docs.settings_page > docs/settings.md
	$(BIN)/python -m finsync_pipeline.statements.reasons > docs/rejects.md

bench: setup ## figures against peers; one part by PART=truth
	$(BIN)/python -m benchmarks $(PART)

sbom: setup ## what is in each image, as CycloneDX, into build/sbom/; after the images are built
	$(BIN)/python .ci/sbom.py finsync-pipeline finsync-services finsync-gateway

audit: ## known vulnerabilities in the versions of requirements.lock
	.ci/audit

RANDOM_SECRETS := secrets/postgres_password secrets/services_token secrets/web_users
secrets/web_users: CONTENT_BEFORE := finsync:{PLAIN}

$(RANDOM_SECRETS):
	mkdir -p -m 700 secrets
	printf '%s%s' '$(CONTENT_BEFORE)' "$$(od -An -tx1 -N24 /dev/urandom | tr -d ' \n')" > $@
	chmod 644 $@

# A folder of your own, by FINSYNC_SECRETS in the environment, stays as it is
secrets: $(if $(FINSYNC_SECRETS),,$(RANDOM_SECRETS)) ## what the deployment needs: its passwords and its token, once
	@[ -n "$(FINSYNC_SECRETS)" ] || grep -qs '^FINSYNC_SECRETS=' .env finsync.env || echo 'FINSYNC_SECRETS=./secrets' >> .env

up: secrets ## the whole deployment in Docker: http://127.0.0.1:3000, the API on 3001; name and password: secrets/web_users
	$(COMPOSE) up --build --wait

down: ## stop the deployment; its data stays
	$(COMPOSE) down

releases: ## all releases of the deployment, copied into published/
	$(COMPOSE) cp code:/data/published ./published

backup: ## the deployment's database and outputs, into BACKUP=folder
	mkdir -p -m 700 $(BACKUP)
	$(COMPOSE) exec -T postgres pg_dump -U finsync -Fc finsync > $(BACKUP)/finsync.dump.part
	$(COMPOSE) exec -T code tar -C /data --exclude '*.parquet.*' --exclude '.staging-*' -cz . > $(BACKUP)/finsync_data.tar.gz.part
	mv $(BACKUP)/finsync.dump.part $(BACKUP)/finsync.dump
	mv $(BACKUP)/finsync_data.tar.gz.part $(BACKUP)/finsync_data.tar.gz

restore: secrets ## BACKUP=folder, into a deployment without data
	$(COMPOSE) up --build --wait postgres code
	$(COMPOSE) exec -T postgres pg_restore -U finsync -d finsync --clean --if-exists < $(BACKUP)/finsync.dump
	$(COMPOSE) exec -T code tar -C /data -xz < $(BACKUP)/finsync_data.tar.gz
	$(COMPOSE) up --wait

clean: ## remove the environment and everything that FinSync wrote here
	rm -rf .venv .venv-peers .env finsync.env finsync_data

.PHONY: help setup lock run dev test lint docs bench sbom audit secrets up down releases backup restore clean
