# Two commands that set everything up by themselves: `make demo` and `make test`.
# They need python3 >= 3.11 and make; uv is used where it is present.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= auto
unexport PYTHONDONTWRITEBYTECODE  # the tests start a hundred processes, and each would compile everything anew

.PHONY: demo test lint bench clients clean

demo: $(VENV)/.demo
	@$(BIN)/reconcile demo states/quickstart.yaml

test: lint
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -rs -m long
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -rs -m "not long" --cov --cov-report=term:skip-covered

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/lifecycle.py

clients: $(VENV)/.dev
	$(BIN)/python -m tests.clients --json .clients/results.json

$(VENV)/.demo: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "python3 is older than 3.11: set PYTHON to a newer one")'
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python "$(PYTHON)" $(VENV) && uv pip install --quiet --python $(BIN)/python -e . ; \
	else \
		$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --disable-pip-version-check -e . ; \
	fi
	@touch $@

$(VENV)/.dev: $(VENV)/.demo
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --quiet --compile-bytecode --python $(BIN)/python -e '.[dev]' ; \
	else \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' ; \
	fi
	@touch $@

clean:
	rm -rf $(VENV) .clients .mypy_cache .ruff_cache .hypothesis .import_linter_cache
