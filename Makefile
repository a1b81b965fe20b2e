# Two commands do everything on a fresh machine: `make serve` and `make test`.
PYTHON ?= python3
PORT ?= 8040
DATA ?= data
VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
TRAIN_VENV := .venv-training
OUT ?= coach-course
SEEDS ?= 10 11

.PHONY: help serve demo test lint screenshots bench bench-dialogue bench-live bench-store bench-load bench-alike bench-export bench-coach bench-coach-busy bench-journal content-near coach-teach coach-train drill lock clean

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

bench: $(VENV)/.test  ## Measure pages, queries, weight and search (each bench prints a table and writes bench/out/)
	$(BIN)/python bench/web.py

bench-dialogue: $(VENV)/.test  ## Measure talks: from one's press to the other's page, for 1, 50 and 200 at once
	$(BIN)/python bench/dialogue.py

$(BENCH_VENV)/.ready: requirements-dev.lock bench/requirements.txt
	@echo "Installing the servers that are measured beside ours (once, a few minutes)"
	@test -x $(BENCH_VENV)/bin/python || $(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BENCH_VENV)/bin/python -m pip install --disable-pip-version-check -r bench/requirements.txt
	@touch $@

bench-live: $(BENCH_VENV)/.ready  ## Open streams on each server: memory, delay of a poke, coming back (20 minutes; ARGS=)
	$(BENCH_VENV)/bin/python bench/live.py $(ARGS)

bench-store: $(VENV)/.test  ## Acknowledged writes a second on both stores, sealed and in plain (ARGS=)
	$(BIN)/python bench/store.py $(ARGS)

bench-load: $(VENV)/.test  ## 200 members who write and 1,000 streams for five minutes (ARGS=)
	$(BIN)/python bench/load.py $(ARGS)

bench-alike: $(VENV)/.test  ## Whether time tells what a mate keeps to themselves (ARGS=)
	$(BIN)/python bench/alike.py $(ARGS)

bench-journal: $(VENV)/.test  ## A journal of 10,000 entries: a month with its calendar, a day, writing, searches
	$(BIN)/python bench/journal.py

bench-export: $(VENV)/.test  ## A copy of everything, from 1,000 to 50,000 entries
	$(BIN)/python bench/export.py

$(TRAIN_VENV)/.ready: requirements-training.lock
	@echo "Installing what learning needs (once, some minutes and gigabytes)"
	@test -x $(TRAIN_VENV)/bin/python || $(PYTHON) -m venv $(TRAIN_VENV)
	$(TRAIN_VENV)/bin/python -m pip install --disable-pip-version-check --require-hashes -r requirements-training.lock
	@touch $@

coach-teach: $(TRAIN_VENV)/.ready  ## Before coach-train, where there is a graphics card: let larger networks learn (DATA=, OUT=, SEEDS=)
	$(TRAIN_VENV)/bin/python scripts/larger_encoder.py $(OUT)/larger
	for seed in $(SEEDS); do PYTHONPATH=src HF_HUB_OFFLINE=1 $(TRAIN_VENV)/bin/python -m closeknit.coach.training teach \
		--weights $(OUT)/larger --data $(DATA) --out $(OUT) --seed $$seed || exit 1; done

coach-train: $(TRAIN_VENV)/.ready  ## Learn the coach's model anew, two hours on two cores (DATA=folder of the public sets, OUT=)
	PYTHONPATH=src HF_HUB_OFFLINE=1 $(TRAIN_VENV)/bin/python -m closeknit.coach.training learn --data $(DATA) --out $(OUT)
	@echo "The model lies in $(OUT)/model; copy it to src/closeknit/coach/model to package it"

content-near: $(TRAIN_VENV)/.ready  ## How near any two prompts are in meaning
	PYTHONPATH=src HF_HUB_OFFLINE=1 $(TRAIN_VENV)/bin/python scripts/near_prompts.py

bench-coach: $(TRAIN_VENV)/.ready  ## How good and how quick the packaged coach is, beside six large encoders
	$(TRAIN_VENV)/bin/python bench/coach.py

bench-coach-busy: $(VENV)/.test  ## Whether pages stay quick while many ask the coach at once (ARGS=)
	$(BIN)/python bench/coach_busy.py $(ARGS)

drill: $(VENV)/.test  ## Kill the program 200 times on each store while members write, and count what is missing (KILLS=)
	$(BIN)/python scripts/drill.py

lock:  ## Resolve the dependencies anew
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --extra dev pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --extra training pyproject.toml -o requirements-training.lock

clean:  ## Remove the virtual environment and what tests left
	rm -rf $(VENV) $(BENCH_VENV) $(TRAIN_VENV) dist build screenshots
