# Every target sets up what it needs first; `make help` lists them.
#
#   PYTHON=python3.12   the interpreter of the environment (default: the newest of 3.13 to 3.10 that is installed)
#   VENV=folder         where the environment is (default: .venv)
#   ARGS="-k name"      passed on: to pytest by test and test-all, to the benchmarks by bench and acceptance
#   CASES="folder ..."  the folders of apps with known diagnoses that acceptance runs; those that are not there are left out

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=
ARGS ?=
CASES ?= ../shared/cases ../shared/cases-2
VERSIONS := 3.13 3.12 3.11 3.10

# Touched when the environment has what the package needs, and when it has what the suite needs too. Their names hold
# the interpreter that was asked for, so that another PYTHON makes the environment anew, and none takes the one that is
# there.
ASKED := $(if $(PYTHON),-$(subst /,_,$(PYTHON)))
ifeq ($(PYTHON),)
ASKED := $(patsubst $(VENV)/.ready%,%,$(firstword $(wildcard $(VENV)/.ready*)))
endif
READY := $(VENV)/.ready$(ASKED)
COMPLETE := $(VENV)/.complete$(ASKED)

# The interpreter of a version, if it is installed.
FIND = sh .ci/find-python python$$version "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$version.*/bin/python$$version

.PHONY: help demo variants test test-all test-newest audit test-pairs environment lint format bench acceptance lock clean
.DEFAULT_GOAL := help

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='|' read -r name text; do printf '%-16s %s\n' "$$name" "$$text"; done

demo: $(READY) ## watch one known cause being reproduced, broken and fixed side by side
	@$(BIN)/statecheck run multi-worker

variants: $(COMPLETE) ## reproduce every kind of every cause, broken and fixed
	@$(BIN)/statecheck run --all --kind all --format concise $(ARGS)

# One process more than there are cores: a third of the suite's time is waiting for processes of its own.
# Its compiled tests are kept, whatever the shell says of that: to compile them anew takes each process as long as to read them.
test: $(COMPLETE) ## run the whole test suite
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses=$$(($$(getconf _NPROCESSORS_ONLN) + 1)) --maxprocesses=4 --dist=worksteal $(ARGS)

lint: $(COMPLETE) ## check format, lint and types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: $(COMPLETE) ## format, and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test-all: ## run the suite on each of Python 3.10 to 3.13 that is installed, each in its own environment
	@failed=; \
	for version in $(VERSIONS); do \
		if python=$$($(FIND)); then \
			echo "== Python $$version"; \
			$(MAKE) --no-print-directory test VENV=.venv-$$version PYTHON="$$python" || failed="$$failed $$version"; \
		else \
			echo "== Python $$version: not installed, left out"; \
		fi; \
	done; \
	test -z "$$failed" || { echo "error: the suite failed on Python$$failed" >&2; exit 1; }

test-pairs: $(COMPLETE) ## diagnose from each Python that is installed an app that each other one runs
	@for version in $(VERSIONS); do \
		! python=$$($(FIND)) || \
			$(MAKE) --no-print-directory environment VENV=.venv-$$version PYTHON="$$python" || exit 1; \
	done
	@$(BIN)/python -m pytest tests/pairs.py $(ARGS)

test-newest: ## run the suite against the newest versions that are allowed, not the lock; it may only warn (STRICT=1: fail)
	@PYTHON="$(PYTHON)" sh .ci/newest $(ARGS)

audit: ## look up the packages of the locks among known vulnerabilities; where that cannot be done, say why and pass
	@sh .ci/audit

environment: $(COMPLETE)

bench: $(COMPLETE) ## measure the budgets, each against its peer
	@$(BIN)/python benchmarks/run.py $(ARGS)

acceptance: $(COMPLETE) ## run what is dearer than the suite, and print its figures: cases, planted causes, variants, budgets, pairs
	@$(BIN)/python benchmarks/acceptance.py --cases $(CASES) $(ARGS)

COMPILE := .venv-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.10 --generate-hashes \
	--no-emit-index-url --no-strip-extras --custom-compile-command "make lock"

lock: .venv-lock/.ready ## renew both locks: today's newest versions, for every Python from 3.10 on
	@$(COMPILE) --group dev --output-file requirements-dev.lock pyproject.toml
	@$(COMPILE) --group build --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml

clean: ## remove the environments, the kept runs and the caches
	@rm -rf .venv .venv-3.* .venv-lock .venv-audit .venv-newest .statecheck .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
	@find statecheck scenarios tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@sh .ci/environment "$(VENV)" "$(PYTHON)"
	@rm -f "$(VENV)"/.ready* "$(VENV)"/.complete*
	@touch "$@"

$(COMPLETE): requirements-dev.lock $(READY)
	@echo "Adding to $(VENV) what the suite needs; this takes a minute or two, once" >&2
	@sh .ci/install "$(VENV)" --require-hashes -r requirements-dev.lock
	@touch "$@"

.venv-lock/.ready:
	@python=$$(sh .ci/find-python $(PYTHON) $(VERSIONS:%=python%) python3) && "$$python" -m venv --clear .venv-lock
	@echo '*' > .venv-lock/.gitignore
	@.venv-lock/bin/python -m pip install -qq --disable-pip-version-check --no-input uv
	@touch "$@"
