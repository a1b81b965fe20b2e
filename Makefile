# Two commands do everything on a fresh machine: `make serve` and `make test`.
PYTHON ?= python3
PORT ?= 8040
DATA ?= data
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help serve demo test lint screenshots bench bench-dialogue drill lock clean

help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 17

$(VENV)/.serve: requirements.lock pyproject.toml
	@echo "Making the virtual environment (once, a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --require-hashes -r requirements.lock
	@mkdir -p $(VENV) && $(BIN)/python scripts/link_source.py
	@touch $@

$(VENV)/.test: requirements-dev.lock pyproject.toml
	@echo "Installing what the tests need (once, a few minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --progress-bar on --require-hashes -r requirements-dev.lock
	@$(BIN)/python scripts/link_source.py
	@touch $@ $(VENV)/.serve

serve: $(VENV)/.serve  ## Run Closeknit on this machine (PORT=, DATA=)
	@$(BIN)/python -m closeknit.cli serve --port $(PORT) --data $(DATA)

demo: $(VENV)/.serve  ## Two sample members side by side, in a folder that is thrown away (PORT=)
	@$(BIN)/python -m closeknit.cli demo --port $(if $(filter 8040,$(PORT)),8041,$(PORT))

lint: $(VENV)/.test  ## Style, types, import arrows, content
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m closeknit.cli content check

test: $(VENV)/.test  ## Everything: both databases, live, browser, wheel
	@$(BIN)/python scripts/run_tests.py

screenshots: $(VENV)/.test  ## Every page at 360 and 1280, light and dark, into screenshots/
	$(BIN)/python scripts/screenshots.py

bench: $(VENV)/.test  ## Measure pages, queries, weight and search
	$(BIN)/python bench/web.py

bench-dialogue: $(VENV)/.test  ## Measure talks: from one's press to the other's page, for 1, 50 and 200 at once
	$(BIN)/python bench/dialogue.py

drill: $(VENV)/.test  ## Kill the program 200 times on each store while members write, and count what is missing (KILLS=)
	$(BIN)/python scripts/drill.py

lock:  ## Resolve the dependencies anew
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --extra dev pyproject.toml -o requirements-dev.lock

clean:  ## Remove the virtual environment and what tests left
	rm -rf $(VENV) dist build screenshots
