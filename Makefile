# razorprof: everything that is done often.
#
#   make demo    install into .venv and open the dashboard on a sample program
#   make test    install what the tests want into .venv and run them
#   make lint    formatting, lint rules, types, import contracts, manual pages up to date
#   make help    the rest
#
# Needs make and Python 3.11 or newer (with venv), and a C compiler where a package has no wheel.

# The first Python that is new enough and can make an environment; PYTHON=... chooses another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)
VENV ?= .venv
BIN := $(VENV)/bin
DEMO_ARGS ?=
TEST_ARGS ?=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test fuzz faults soak lint format man picture test-deps bench clean

help:
	@echo "make demo        install and open the dashboard on a sample program (DEMO_ARGS=...)"
	@echo "make test        run all tests (TEST_ARGS=... for pytest)"
	@echo "make fuzz        try many hostile memory images on the readers (FUZZ_EXAMPLES=...)"
	@echo "make soak        run the slow tests, which want a quiet machine"
	@echo "make faults      end razorprof at random moments, by every signal (FAULTS=rounds)"
	@echo "make lint        formatting, lint rules, types, import contracts, manual pages"
	@echo "make format      write the formatting"
	@echo "make man         write the manual pages from the command line's definition"
	@echo "make picture     take the README's picture of the dashboard anew (one minute)"
	@echo "make bench       run benchmarks/*.py one after the other"
	@echo "make test-deps   install the system packages that some tests want (as root, by apt-get)"
	@echo "make clean       remove what was built, .venv too"

# Stamps, so that a second run is quick; a change of pyproject.toml installs again.
$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { \
		echo "razorprof: no Python 3.11 or newer with the venv module was found" >&2; \
		echo "hint: install one (Debian: apt-get install python3 python3-venv) or say make PYTHON=/path/to/python3" >&2; \
		exit 2; }
	$(PYTHON) -m venv $(VENV)

# The packages in plugins/ are shaped as a third party's are, and installed after razorprof, which they depend on.
PLUGINS := $(patsubst %/pyproject.toml,%,$(wildcard plugins/*/pyproject.toml))
PROJECTS := pyproject.toml $(PLUGINS:%=%/pyproject.toml)
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL_PLUGINS := $(if $(PLUGINS),$(PIP) $(PLUGINS:%=--editable ./%),:)

$(VENV)/.installed: $(PROJECTS) | $(VENV)/bin/python
	$(PIP) --editable .
	$(INSTALL_PLUGINS)
	@touch $@

$(VENV)/.test-installed: $(PROJECTS) | $(VENV)/bin/python
	$(PIP) --editable '.[test]'
	$(INSTALL_PLUGINS)
	@touch $(VENV)/.installed $@

$(VENV)/.lint-installed: $(PROJECTS) | $(VENV)/bin/python
	$(PIP) --editable '.[test,lint]'
	$(INSTALL_PLUGINS)
	@touch $(VENV)/.installed $(VENV)/.test-installed $@

demo: $(VENV)/.installed
	@$(BIN)/razorprof demo $(DEMO_ARGS)

test: $(VENV)/.test-installed
	@$(BIN)/python scripts/run_tests.py $(TEST_ARGS)

FUZZ_EXAMPLES ?= 2000
fuzz: $(VENV)/.test-installed
	RAZORPROF_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/python -m pytest tests/fuzz --timeout 1800

soak: $(VENV)/.test-installed
	$(BIN)/python -m pytest tests $(PLUGINS) -m slow --ignore=tests/faults

FAULTS ?= 50
faults: $(VENV)/.test-installed
	RAZORPROF_FAULTS=$(FAULTS) $(BIN)/python -m pytest tests/faults

# The tests are linted with the code; they need the tests' libraries for their types.
LINTED := razorprof tests scripts $(wildcard benchmarks)
# Packages of their own: each has modules called tests, so that each is a run of its own for mypy.
PACKAGES := $(PLUGINS) $(patsubst %/pyproject.toml,%,$(wildcard examples/*/pyproject.toml))
lint: $(VENV)/.lint-installed
	$(BIN)/ruff format --check $(LINTED) $(PACKAGES)
	$(BIN)/ruff check $(LINTED) $(PACKAGES)
	$(BIN)/mypy --strict $(LINTED)
	@set -e; for package in $(PACKAGES); do \
		echo "$(BIN)/mypy --strict $$package"; MYPYPATH=$$package:$$package/tests/unit:$$package/tests/integration \
			$(BIN)/mypy --strict $$package; done
	$(BIN)/lint-imports
	$(BIN)/python scripts/man.py --check man

format: $(VENV)/.lint-installed
	$(BIN)/ruff format $(LINTED) $(PACKAGES)
	$(BIN)/ruff check --fix $(LINTED) $(PACKAGES)

man: $(VENV)/.installed
	$(BIN)/python scripts/man.py man

picture: $(VENV)/.installed
	$(BIN)/python scripts/picture.py docs/dashboard.svg

bench: $(VENV)/.test-installed
	@test -n "$(wildcard benchmarks/*.py)" || { echo "no benchmarks yet" >&2; exit 2; }
	@for benchmark in $(sort $(wildcard benchmarks/*.py)); do \
		echo "== $$benchmark"; $(BIN)/python "$$benchmark" || exit 1; done

test-deps:
	@sh scripts/test-deps.sh

clean:
	rm -rf $(VENV) build dist razorprof.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
