# make help | make run | make test: each does all its set-up.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
PART ?=
BACKUP ?= backup
PYTEST_ARGS ?=

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

setup: $(BIN)/.ready .env ## virtual environment, .env, local Dagster instance

$(BIN)/.ready: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "FinSync needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	touch $@

.env: $(BIN)/.ready
	$(BIN)/finsync setup

lock: setup ## the newest versions within the ranges of pyproject.toml, into requirements.lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	.venv-lock/bin/pip freeze --exclude-editable > requirements.lock
	rm -rf .venv-lock

run: setup ## the main job: services up, all assets materialized, release published
	$(BIN)/finsync run --with-services

dev: setup ## services and the Dagster web UI on http://127.0.0.1:3000
	$(BIN)/finsync dev --with-services

test: setup ## all tests
	$(BIN)/pytest -q -n auto --dist worksteal $(PYTEST_ARGS)

lint: setup ## format, lint, which package imports which, and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy

bench: setup ## figures against peers; one part by PART=truth
	$(BIN)/python -m benchmarks $(PART)

secrets/postgres_password secrets/services_token:
	mkdir -p -m 700 secrets
	od -An -tx1 -N24 /dev/urandom | tr -d ' \n' > $@
	chmod 644 $@

up: secrets/postgres_password secrets/services_token ## the whole deployment in Docker: http://127.0.0.1:3000
	docker compose up --build --wait

down: ## stop the deployment; its data stays
	docker compose down

releases: ## all releases of the deployment, copied into published/
	docker compose cp code:/data/published ./published

backup: ## the deployment's database and outputs, into BACKUP=folder
	mkdir -p -m 700 $(BACKUP)
	docker compose exec -T postgres pg_dump -U finsync -Fc finsync > $(BACKUP)/finsync.dump.part
	docker compose exec -T code tar -C /data --exclude '*.parquet.*' --exclude '.staging-*' -cz . > $(BACKUP)/finsync_data.tar.gz.part
	mv $(BACKUP)/finsync.dump.part $(BACKUP)/finsync.dump
	mv $(BACKUP)/finsync_data.tar.gz.part $(BACKUP)/finsync_data.tar.gz

restore: secrets/postgres_password secrets/services_token ## BACKUP=folder, into a deployment without data
	docker compose up --build --wait postgres code
	docker compose exec -T postgres pg_restore -U finsync -d finsync --clean --if-exists < $(BACKUP)/finsync.dump
	docker compose exec -T code tar -C /data -xz < $(BACKUP)/finsync_data.tar.gz
	docker compose up --wait

clean: ## remove the environment and everything that FinSync wrote here
	rm -rf .venv .venv-peers .env finsync_data

.PHONY: help setup lock run dev test lint bench up down releases backup restore clean
