# Every target sets up what it needs, in .venv, on a machine that has only Python (3.11 or newer) and make.
PYTHON ?= python3
BIN := .venv/bin
PARALLEL := -n auto --dist worksteal
WHEEL := build/wheel
WHEEL_TESTS := tests/plugin tests/cli tests/docs tests/fidelity tests/intercept tests/experiment_reports tests/cassette/shipped
PYTHONS ?= python3.11 python3.12 python3.13
# The tests start hundreds of processes, each of which would compile the package anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-slow test-all coverage wheel-test lint docs screenshots node bench cassettes fuzz clean

demo: .venv/.for-cli
	$(BIN)/ycimages demo

# What to run after each change.
test: .venv/.for-test
	$(BIN)/pytest $(PARALLEL) -m "not slow and not costly"

# What takes long and rarely fails.
test-slow: .venv/.for-test
	$(BIN)/pytest $(PARALLEL) -m "slow or costly"

test-all: .venv/.for-test
	$(BIN)/pytest $(PARALLEL)

# All tests but the slow ones with branches measured, in all processes that they start; fails below the limit in
# pyproject.toml. Whether the tests pass is for the other targets to say: measured, they take twice as long.
coverage: .venv/.for-coverage
	rm -f .coverage .coverage.*
	-$(BIN)/coverage run -m pytest -q $(PARALLEL) -m "not slow"
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# The wheel in a fresh environment of each Python that is on the PATH, without the package beside the tests: those tests
# that a file missing from it would break.
wheel-test: .venv/.for-test
	rm -rf $(WHEEL)
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir $(WHEEL)/dist .
	mkdir $(WHEEL)/run
	cp -R tests docs cassettes README.md Makefile pyproject.toml $(WHEEL)/run
	for python in $(PYTHONS); do $$python -c "" 2>/dev/null || continue; \
		rm -rf $(WHEEL)/venv && $$python -m venv $(WHEEL)/venv && \
		$(WHEEL)/venv/bin/python -m pip install --quiet --disable-pip-version-check "$$(echo $(WHEEL)/dist/*.whl)[test]" && \
		(cd $(WHEEL)/run && ../venv/bin/python -m pytest -q $(PARALLEL) -m "not slow" $(WHEEL_TESTS)) || exit 1; \
	done
	test -x $(WHEEL)/venv/bin/python

lint: .venv/.for-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/docs

# The documentation site in build/docs: a page, link or name that is missing fails the build or the tests behind it.
docs: .venv/.for-docs
	rm -rf build/docs
	$(BIN)/sphinx-build -q -W --keep-going -j auto docs build/docs
	YCIMAGES_SITE=$(CURDIR)/build/docs $(BIN)/pytest -q -n 0 tests/site
	@echo "build/docs/index.html"

# What tests take from npm, and are skipped without: the SDKs of Node, and axe-core for the live page.
node:
	npm install --silent --no-audit --no-fund --ignore-scripts --no-package-lock --prefix build/node axe-core@4 \
		@yandex-cloud/nodejs-sdk@3 nodejs-sdk-2@npm:@yandex-cloud/nodejs-sdk@2 @nikolay.matrosov/yc-ts-sdk@1 yandex-cloud@1

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
