# `make bench` and `make test` do everything on a fresh machine; `make help` lists the rest.
#
# All of it happens in a virtual environment. A stamp per step remembers what is installed, and a change of what a
# step depends on (the C, the driver, setup.py, pyproject.toml) repeats that step.

PYTHON ?= python3
VENV ?= .venv
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PEERS ?= numpy sklearn sklearn.metrics torch
ARGS ?= --quick
# The CPU build, by its local version: a plain torch would bring gigabytes of CUDA libraries.
TORCH_VERSION := 2.13.0

SHELL := /bin/bash
.SHELLFLAGS := -e -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --quiet
STAMPS := $(VENV)/stamps
SOURCES := setup.py pyproject.toml $(wildcard fastloss/*.pyx fastloss/*.pxi) $(shell find src_c -name '*.[ch]')
export PATH := $(abspath $(BIN)):$(PATH)
# Installs a list of requirements of pyproject.toml and leaves it as the stamp. Not `pip install .[extra]`, which would
# build fastloss once more.
REQUIRE = $(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))$(1), sep="\n")' > $@ && $(PIP) --requirement $@
# Prints how long a recipe took: `time` with a name.
TIMED = TIMEFORMAT="== $(@F): %0R s"; time

.PHONY: help build bench test lint types suite test-long docs docs-figures plots stubs catalogue clean

help: ## this list
	@echo "make TARGET [PYTHON=python3.13] [VENV=.venv] [JOBS=2]"
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | while IFS=$$'\t' read -r t d; do printf '  %-14s %s\n' "$$t" "$$d"; done

# -- set-up ------------------------------------------------------------------------------------------------------------

$(STAMPS)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "fastloss needs Python 3.11 or later; '$(PYTHON)' is $$(command -v '$(PYTHON)' > /dev/null && $(PYTHON) --version 2>&1 || echo missing). Name another: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	    echo "'$(PYTHON)' cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

# What pyproject.toml asks for to build. Installed here once, so that a rebuild need not fetch it again.
$(STAMPS)/build-tools: pyproject.toml | $(STAMPS)/python
	@echo "installing the build tools"
	@$(call REQUIRE,["build-system"]["requires"])

$(STAMPS)/engine: $(SOURCES) $(STAMPS)/build-tools
	@missing=; command -v $${CC:-gcc} > /dev/null || command -v $${CC:-cc} > /dev/null || missing="a C compiler (Debian, Ubuntu: apt install gcc)"; \
	test -f "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || \
	    missing="$$missing$${missing:+, }Python's headers (Debian, Ubuntu: apt install python3-dev)"; \
	if test -n "$$missing"; then echo "fastloss will run on its slow NumPy references, for this machine lacks $$missing" >&2; \
	else export FASTLOSS_REQUIRE_ENGINE=1; echo "building fastloss (a minute or two)"; fi; \
	$(TIMED) $(PIP) --no-build-isolation --editable .
	@$(BIN)/python -W ignore -m fastloss info
	@touch $@

$(STAMPS)/extra-%: pyproject.toml | $(STAMPS)/engine
	@echo "installing what '$*' needs"
	@$(call REQUIRE,["project"]["optional-dependencies"]["$*"])

# Where pip is set up to find CPU builds it installs one; elsewhere uv knows where they are published.
$(STAMPS)/peer-torch: | $(STAMPS)/engine
	@echo "installing torch $(TORCH_VERSION), CPU build: 190 MB to fetch, 750 MB on disk"
	@$(PIP) 'torch==$(TORCH_VERSION)+cpu' 2> /dev/null || { \
	    $(PIP) uv && $(BIN)/uv pip install --quiet --python $(BIN)/python --torch-backend=cpu 'torch==$(TORCH_VERSION)'; }
	@touch $@

$(STAMPS)/peer-%: | $(STAMPS)/engine
	@echo "installing $*"
	@$(PIP) '$*'
	@touch $@

build: $(STAMPS)/engine ## virtual environment and compiled engine

# -- the main job --------------------------------------------------------------------------------------------------------

# Peers that bring a package of their own; the others come with the `bench` extra.
EXTRA_PEERS = $(patsubst torch.compile,torch,$(filter torch torch.compile jax numba numexpr,$(PEERS)))

bench: $(STAMPS)/extra-bench ## set up, install the peers, benchmark: PEERS="numpy sklearn" ARGS="--full --json run.json"
	@for peer in $(sort $(EXTRA_PEERS)); do \
	    $(MAKE) --no-print-directory $(STAMPS)/peer-$$peer || echo "$$peer could not be installed: the benchmark goes on without it" >&2; done
	@$(BIN)/python -m fastloss bench --peers $(PEERS) $(ARGS)

# -- tests ---------------------------------------------------------------------------------------------------------------

$(STAMPS)/tests: | $(STAMPS)/extra-test
	@$(MAKE) --no-print-directory $(STAMPS)/peer-torch || echo "torch could not be installed: tests of it will be skipped" >&2
	@touch $@

test: lint types docs suite ## everything that must hold: style, types, doctests, documentation, the suite on every instruction set

lint: $(STAMPS)/extra-test ## ruff, cython-lint
	@$(TIMED) { ruff check . && ruff format --check . && cython-lint fastloss/*.pyx fastloss/*.pxi; }

types: $(STAMPS)/extra-test ## mypy --strict, stubtest, stubs and catalogue up to date
	@$(TIMED) { mypy && $(BIN)/python -m mypy.stubtest fastloss --mypy-config-file pyproject.toml \
	    --allowlist tools/stubtest_allowlist.txt --ignore-unused-allowlist --ignore-disjoint-bases --concise \
	    && $(BIN)/python tools/make_stubs.py --check && $(BIN)/python tools/make_catalogue.py --check; }

# Workers and their threads are more than the processors: whoever waits must not spin.
suite test-long: export OMP_WAIT_POLICY = passive
suite: $(STAMPS)/extra-test $(STAMPS)/tests ## pytest: doctests, documentation, tests
	@$(TIMED) $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not long"

test-long: $(STAMPS)/extra-test $(STAMPS)/tests ## the long tests and the exhaustive accuracy harness: half an hour
	@$(TIMED) $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m long
	@$(TIMED) $(MAKE) --no-print-directory accuracy

# Every float32, and float64 at hard and random points, through every function of vmath.h and through the losses.
# ACCURACY="--stride 1009" takes every so many and seconds.
.PHONY: accuracy
accuracy: $(STAMPS)/extra-test ## exp, log, ... and the losses over all float32 inputs: half an hour (ACCURACY="--stride 1009": seconds)
	@$(BIN)/python tests/programs.py build/accuracy
	@$(BIN)/python tests/accuracy/vmath_hard_points.py > build/accuracy/hard.csv
	@$(TIMED) build/accuracy/losses $(ACCURACY)
	@TIMEFORMAT="== functions: %0R s"; time build/accuracy/functions --list | \
	    xargs -P $(JOBS) -I FUNCTION build/accuracy/functions FUNCTION --hard build/accuracy/hard.csv $(ACCURACY)

# -- what is generated and committed ---------------------------------------------------------------------------------------

stubs: $(STAMPS)/engine ## fastloss/__init__.pyi from the registry
	@$(BIN)/python tools/make_stubs.py

catalogue: $(STAMPS)/engine ## docs/losses.md from the registry
	@$(BIN)/python tools/make_catalogue.py

plots: $(STAMPS)/extra-docs $(STAMPS)/extra-estimators ## docs/plots/*.svg: curves of losses, and what the tutorial's own code finds
	@OMP_NUM_THREADS=1 $(BIN)/python tools/make_plots.py

docs: $(STAMPS)/extra-docs ## the documentation site, docs/_build/index.html; warnings are errors
	@$(TIMED) $(BIN)/sphinx-build -q -W --keep-going -j $(JOBS) -b html docs docs/_build && echo "docs/_build/index.html"

docs-figures: PEERS = numpy sklearn sklearn.metrics torch torch.compile jax numba numexpr
docs-figures: ARGS = --no-limit
docs-figures: $(STAMPS)/extra-bench $(STAMPS)/tests ## the tables of README.md, docs/performance.md and docs/precision.md
	@for peer in $(sort $(EXTRA_PEERS)); do $(MAKE) --no-print-directory $(STAMPS)/peer-$$peer || true; done
	@$(BIN)/python tools/precision.py
	@$(BIN)/python tools/performance.py --peers $(PEERS) $(ARGS)

clean: ## remove what was built, not the virtual environment
	rm -rf build dist docs/_build docs/catalogue *.egg-info fastloss/_engine.c fastloss/_engine*.so .benchmarks .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f $(STAMPS)/engine
