# Every target sets up what it needs, in .venv, on a machine that has only Python (3.11 or newer) and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench cassettes fuzz clean

demo: .venv/.for-cli
	$(BIN)/ycimages demo

test: .venv/.for-test
	$(BIN)/pytest -n auto --dist worksteal

lint: .venv/.for-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/docs

bench: .venv/.for-bench
	$(BIN)/python -m tests.bench

# The cassettes that are shipped, anew: after a change of the fake, look at what has changed in them.
cassettes: .venv/.for-test
	$(BIN)/python -m tests.cassette.shipped

# schemathesis against a running double, with its own document and all checks: some minutes for each contract, and a
# new seed each time, which is printed. What it finds goes into a plain test.
fuzz: .venv/.for-test
	$(BIN)/python -m tests.openapi.fuzz
	YCIMAGES_FUZZ=1 $(BIN)/pytest -q tests/model

clean:
	rm -rf .venv build dist

.venv/.for-%: pyproject.toml
	@$(PYTHON) -c 'import sys; v = "%d.%d" % sys.version_info[:2]; sys.exit(sys.version_info < (3, 11) and "pytest-ycimages needs Python 3.11 or newer; " + sys.executable + " is " + v + ". Try: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
