# make env | serve | test | test-all, and the rest below. `make help` lists them.
#
#   SLIM=1            without sentence-transformers and torch (remembered for this .venv; SLIM=0 undoes it)
#   TORCH_INDEX=URL   take torch from this index: on Linux, PyTorch's own index of CPU builds saves gigabytes of CUDA
#   WHEELHOUSE=DIR    install from the wheels in DIR (`make bundle` makes them), with no network at all
#   PYTHON=python3.11 the Python that .venv is made with
#   SERVE="--port 80" options for `bot serve`;  PYTEST="-k index" options for pytest;  NIGHTLY=… COMPARE=… likewise

PYTHON      ?= python3
VENV        ?= .venv
TORCH_INDEX ?=
WHEELHOUSE  ?=
SLIM        ?= $(if $(wildcard $(VENV)/.slim),1,)
SERVE       ?=
PYTEST      ?=
NIGHTLY     ?=
COMPARE     ?=

override SLIM := $(filter-out 0,$(SLIM))
BIN   := $(VENV)/bin
PY    := $(BIN)/python
STAMP := $(VENV)/.installed$(if $(SLIM),-slim)
LOCK  := $(if $(SLIM),constraints-slim.txt,constraints.txt)
PIP   := $(PY) -m pip --disable-pip-version-check
FROM  := $(if $(WHEELHOUSE),--no-index --find-links $(WHEELHOUSE))

# A file that cannot be read must not stop what a usable index can still do; without one the next command says so.
REFRESH = $(BIN)/bot index || echo "warning: the index could not be brought up to date; using the last good one" >&2

.DEFAULT_GOAL := help
.PHONY: help env serve index test test-all lint bundle nightly compare screenshots docs lock clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

env: $(STAMP) ## make .venv with everything in it (idempotent)

# setuptools comes first so that the project is built with what is there, not with a download of its own.
# torch alone comes from TORCH_INDEX, before the rest, so that no other package is looked for there.
$(STAMP): pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make env PYTHON=python3.11")'
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PIP) install -q $(FROM) -c $(LOCK) setuptools
ifeq ($(SLIM),)
	$(if $(and $(TORCH_INDEX),$(if $(WHEELHOUSE),,1)),$(PIP) install -q -c $(LOCK) --no-deps --index-url $(TORCH_INDEX) torch)
	$(PIP) install -q $(FROM) -c $(LOCK) --no-build-isolation -e '.[dev]'
	rm -f $(VENV)/.slim
else
	$(PIP) install -q $(FROM) -r $(LOCK)
	$(PIP) install -q $(FROM) --no-build-isolation --no-deps -e .
	touch $(VENV)/.slim
endif
	rm -f $(VENV)/.installed*
	touch $@

index: env ## build the index, or what changed of it
	$(BIN)/bot index

serve: env ## index if missing or stale, then the chat on 127.0.0.1:7860
	@$(REFRESH)
	@exec $(BIN)/bot serve $(SERVE)

lint: env ## ruff and mypy
	$(BIN)/ruff check .
	$(PY) -m mypy

test: lint ## lint, types and all tests, long checks with reduced counts (under 15 minutes on 2 cores)
	$(PY) -m pytest $(PYTEST)

test-all: lint ## the same with the long checks in full (under 60 minutes)
	BOT_TEST_FULL=1 $(PY) -m pytest $(PYTEST)

bundle: env ## wheelhouse/: everything `make env WHEELHOUSE=wheelhouse` needs on a machine without network
	rm -rf wheelhouse
	mkdir wheelhouse
	$(PIP) download -q -d wheelhouse -c $(LOCK) setuptools
ifeq ($(SLIM),)
	$(if $(TORCH_INDEX),$(PIP) download -q -d wheelhouse -c $(LOCK) --no-deps --index-url $(TORCH_INDEX) torch)
	$(PIP) download -q -d wheelhouse --find-links wheelhouse -c $(LOCK) '.[dev]'
	rm -f wheelhouse/guidebot-*
else
	$(PIP) download -q -d wheelhouse -r $(LOCK)
endif
	@du -sh wheelhouse

nightly: env ## index if stale, evaluate, compare with the baseline, report
	$(PY) -m eval.nightly $(NIGHTLY)

compare: env ## the same questions through LangChain, LlamaIndex, Haystack and txtai
	$(PIP) install -q $(FROM) -c $(LOCK) --no-build-isolation -e '.[dev,compare]'
	@$(REFRESH)
	$(PY) -m eval.compare $(COMPARE)

screenshots: env ## the pictures of the README, from a real browser
	$(PY) -m tests.screenshots docs/images

docs: env ## docs/help.md, from the command line's own help
	$(PY) .ci/help.py > docs/help.md.new && mv docs/help.md.new docs/help.md

lock: env ## constraints.txt and constraints-slim.txt anew, from pyproject.toml (needs the network)
	$(PY) .ci/lock.py

clean: ## remove what was made, .venv and the index included
	rm -rf $(VENV) wheelhouse build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find index -mindepth 1 ! -name README.md -delete
