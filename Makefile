# Two commands do everything: `make demo` runs the main job, `make test` passes the tests. `make help` lists the rest.
PYTHON ?= python3
VENV ?= .venv
ROOT ?= runs/demo
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := PYTHONWARNINGS=ignore $(BIN)/pip install -q

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow check format bench clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/make \1|\2/p' Makefile | column -t -s '|'

install: $(STAMP)  ## install everything into .venv (about 4 minutes, once)

# torch first: deepspeed needs it to build, and whatever comes later accepts the version that is there.
$(STAMP): pyproject.toml ray_app/tracing/_tracer.c
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "error: $$($(PYTHON) --version) is not supported; use Python 3.11 to 3.13 (make PYTHON=python3.11 ...)"; exit 1; }
	@echo "installing into $(VENV) (about 4 minutes, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip setuptools wheel
	@echo "  1/3 torch" && $(PIP) torch==2.13.0
	@echo "  2/3 ray, transformers, semray" && $(PIP) -e '.[cluster,models,dev]'
	@echo "  3/3 deepspeed" && $(PIP) -e '.[train]'
	@touch $@

demo: $(STAMP)  ## the main job: synthesize, train, serve, evaluate, report (RECIPE demo, ROOT=runs/demo)
	@$(BIN)/python -m cluster.local -- python -m pipelines.run_all --recipe demo --root $(ROOT)

test: $(STAMP)  ## the test suite
	@$(BIN)/python -m pytest

test-slow: $(STAMP)  ## the tests that take minutes
	@$(BIN)/python -m pytest -m slow

check: $(STAMP)  ## lint, format and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright

format: $(STAMP)  ## rewrite the sources in the house format
	@$(BIN)/ruff check --fix-only -q . ; $(BIN)/ruff format -q .

bench: $(STAMP)  ## every benchmark, each against its rival in the same run
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

clean:  ## remove caches and builds (not .venv, not runs)
	@rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
