# One word per task. Every target prepares `.venv` by itself from requirements/dev.lock; only Python is needed.
# Pass more arguments through: make demo ARGS="--orders 50"

PYTHON ?= python3
UV     ?= uv
ARGS   ?=

NPM_CLIENTS := @whitebox-co/walmart-marketplace-api@2.2.0 @shopify/shopify-api@13.1.0 avatax@26.9.0

VENV  := .venv
READY := $(VENV)/.ready
BIN   := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo up bench test conformance erp-conformance clients prove lint states fmt cover lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Run the guided tour on a local stack
	$(BIN)/python starter.py demo $(ARGS)

up: $(READY) ## Run the local stack until Ctrl-C
	$(BIN)/python starter.py up $(ARGS)

bench: $(READY) ## Measure throughput and latency
	$(BIN)/python -m benchmarks $(ARGS)

test: $(READY) ## Run the test suite
	$(BIN)/python -m pytest $(ARGS)

conformance: $(READY) ## Grade every channel by the promises of the port
	$(BIN)/python -m pytest tests/conformance -q --show-capture=no $(ARGS)

erp-conformance: $(READY) ## Grade every ERP and WMS by the promises of its port, Tryton on real servers (installs them first)
	$(BIN)/python -m pytest tests/erp_conformance tests/wms_conformance tests/stack/test_tryton.py tests/prove/test_tryton.py \
		-m "not prove" -q --show-capture=no $(ARGS)

clients: $(READY) ## Run independent clients against the sandbox; those of npm too (needs Node.js)
	npm install --prefix var/clients --no-save --no-audit --no-fund --ignore-scripts $(NPM_CLIENTS)
	$(BIN)/python -m pytest tests/clients $(ARGS)

prove: $(READY) ## Run the long proofs against the whole product
	$(BIN)/python -m pytest -m prove $(ARGS)

lint: $(READY) ## Check style, types and the rooms' import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports --no-logo

states: $(READY) ## Write docs/states.md from the code
	$(BIN)/python starter.py states --write

fmt: $(READY) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

cover: $(READY) ## Run the test suite and show what it does not reach; models and workflows must be at 95 %
	$(BIN)/python -m pytest --cov --cov-report=term --cov-report=html $(ARGS)
	$(BIN)/coverage report --include='models/*,workflows/*' --skip-covered --fail-under=95

lock: ## Resolve requirements/*.in again (needs uv)
	cd requirements && for set in base local dev tryton; do \
		$(UV) pip compile $$set.in --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links --no-header --no-annotate --output-file $$set.lock || exit 1; \
	done

clean: ## Remove the environment, caches and the local stack's data
	rm -rf $(VENV) var htmlcov .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements/dev.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Orderyard needs Python 3.11 or newer, and '$(PYTHON)' is older or missing: make PYTHON=/path/to/python3.12 ..." >&2; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)
# --no-deps: the lock is complete, and pip's resolver takes a newer release of "coverage[toml]" for a pin that is missing.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.lock
	@touch $@
