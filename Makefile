# Everything is done in .venv, which is made from the locked requirements and
# made again when they change, with the plug-ins that were in it. `make run` and `make test` are all a newcomer needs.

PYTHON ?= python3
BIN := .venv/bin
# By the pip of PYTHON, if it has one: to make another for .venv takes longer than all else here.
INSTALL_UV := install --quiet --disable-pip-version-check --require-hashes -r requirements/setup.lock
# The project itself, installed so that its files stay where they are.
INSTALL_PROJECT := $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
SYNC := $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes

# Modules are compiled when they are first imported, and not anew by each process. Only what dozens of
# processes of the tests read at once is compiled before.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup setup-development run ui dashboard psql bench docs site screenshots coverage test system drills lint audit format lock

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 20

setup: .venv/runtime ## make .venv with what Isobar needs to run
setup-development: .venv/development ## make .venv with what development needs, such as pytest

run: .venv/runtime ## refresh every source once, and show the outcome
	@$(BIN)/isobar run

ui: .venv/runtime ## the Dagster web UI with schedules and sensors, until Ctrl-C
	@exec $(BIN)/isobar ui

dashboard: .venv/dashboard ## serve the dashboards, until Ctrl-C
	@exec $(BIN)/isobar dashboard

psql: .venv/runtime ## query the database
	@$(BIN)/isobar database psql --role analyst

test: .venv/development ## run the tests but those below; ARGS="-k money" picks some
	@$(BIN)/python -m pytest -n 3 -m "not system and not drill" $(ARGS)

system: .venv/development .venv/dbt/made ## run the tests that start the platform as people do
	@$(BIN)/python -m pytest -n 2 -m system $(ARGS)

drills: .venv/development ## try to break it, for an hour; FORM=short in ten minutes
	@ISOBAR_DRILLS=$(or $(FORM),long) $(BIN)/python -m pytest -n 3 -m drill $(ARGS)

bench: .venv/benchmarks ## measure speed beside the targets; ARGS=running what it costs
	@$(BIN)/python -m benchmarks $(ARGS)

docs: .venv/development ## write the pages that are made from code and database
	@ISOBAR_SCHEDULES=/dev/null ISOBAR_SOURCES= \
	  ISOBAR_DISABLE_SOURCES=$$($(BIN)/python -c "from pipelines_tests.others import others; print(others())") \
	  $(BIN)/python -m docs.generate

site: .venv/site ## render the pages as a website in build/site, and check its links
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

screenshots: .venv/development ## write docs/pictures from a real run; needs Chromium
	@$(BIN)/python -m docs.screenshots

coverage: .venv/development ## run all tests and report what they cover
	@$(BIN)/python -m pytest -n 3 --cov --cov-report=term --cov-report=html $(ARGS)

lint: .venv/development ## check format, lint, types, imports, words
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m docs.forbidden_words

audit: .venv/development ## check every locked requirement against PyPI's advisories
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements/workers.lock || { \
	  echo "Not passed. Either a line above names an advisory: take a version that mends it (make lock)." >&2; \
	  echo "Or PyPI's advisories could not be read, and then nothing is known." >&2; exit 1; }

format: .venv/development ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lock: .venv/runtime ## resolve the requirements anew
	@lock="$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --upgrade --generate-hashes --no-header --no-emit-index-url"; \
	$$lock requirements/setup.in --output-file requirements/setup.lock; \
	$$lock pyproject.toml --output-file requirements/runtime.lock; \
	$$lock pyproject.toml --extra workers --constraint requirements/runtime.lock --output-file requirements/workers.lock; \
	$$lock pyproject.toml --extra dashboard --constraint requirements/workers.lock --output-file requirements/dashboard.lock; \
	$$lock pyproject.toml --extra dashboard --extra workers --group development --constraint requirements/workers.lock --output-file requirements/development.lock; \
	$$lock --group benchmarks --constraint requirements/runtime.lock --output-file requirements/benchmarks.lock; \
	$$lock pyproject.toml --group dbt --constraint requirements/runtime.lock --output-file requirements/dbt.lock; \
	$$lock --group site --constraint requirements/development.lock --output-file requirements/site.lock

.venv/uv: requirements/setup.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Isobar needs Python 3.11 or later, and $(PYTHON) is not: make PYTHON=/path/to/python3.11 …" >&2; exit 1; }
	@echo "Making .venv (some 10 s) …" >&2
	@$(PYTHON) -m pipelines.runtime.plugins note || \
	  echo "Which plug-ins .venv had is not known: if it had any, install them again." >&2
	@$(PYTHON) -m venv --clear --without-pip .venv
	@$(PYTHON) -m pip --python $(BIN)/python $(INSTALL_UV) 2>/dev/null || { $(PYTHON) -m venv .venv || \
	  { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv" >&2; exit 1; }; \
	  $(BIN)/python -m pip $(INSTALL_UV); }
	@touch $@

.venv/runtime: .venv/uv requirements/runtime.lock pyproject.toml
	@echo "Installing the locked requirements into .venv (some 10 s) …" >&2
	@$(SYNC) -r requirements/runtime.lock
	@$(INSTALL_PROJECT)
	@$(BIN)/python -m pipelines.runtime.dagster_variables
	@$(BIN)/python -m pipelines.runtime.plugins install
	@touch $@

.venv/dashboard: .venv/runtime requirements/dashboard.lock
	@echo "Installing what the dashboards need into .venv …" >&2
	@$(SYNC) -r requirements/dashboard.lock
	@touch $@

.venv/development: .venv/runtime requirements/development.lock
	@echo "Installing the locked development requirements into .venv …" >&2
	@$(SYNC) --compile-bytecode -r requirements/development.lock
	@touch $@

.venv/benchmarks: .venv/development requirements/benchmarks.lock
	@echo "Installing what is measured beside ours into .venv …" >&2
	@$(SYNC) --compile-bytecode -r requirements/benchmarks.lock
	@touch $@

# dbt and what development needs exclude each other, so it has an environment of its own.
.venv/dbt/made: .venv/runtime requirements/dbt.lock
	@echo "Installing what the dbt example needs into .venv/dbt …" >&2
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv/dbt
	@$(BIN)/uv pip install --quiet --python .venv/dbt/bin/python --require-hashes --compile-bytecode -r requirements/dbt.lock
	@$(BIN)/uv pip install --quiet --python .venv/dbt/bin/python --no-deps --editable .
	@touch $@

.venv/site: .venv/development requirements/site.lock
	@echo "Installing what renders the pages into .venv …" >&2
	@$(SYNC) -r requirements/site.lock
	@touch $@
