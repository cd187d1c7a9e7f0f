# Needs only make, git and a Python with venv. PYTHON=… names another interpreter.
PYTHON ?= python3.13 python3.12 python3.11 python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
CORPUS := build/corpus

.DEFAULT_GOAL := help
.PHONY: help demo test check wheel look matrix bench corpus fuzz sheet

help: ## Say what each target does
	@sed -nE 's/^([a-z]+):.*## (.+)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(VENV)/.runtime ## Serve the sandbox gallery at http://127.0.0.1:8000 (PORT=…)
	$(BIN)/python sandbox/manage.py migrate --verbosity 0
	$(BIN)/python sandbox/manage.py draw_photos
	$(BIN)/python sandbox/manage.py runserver 127.0.0.1:$(PORT)

test: $(VENV)/.dev ## Run the tests; every line and branch must be covered
	$(BIN)/pytest --cov -n auto

check: $(VENV)/.dev ## Check format, lint, types, import floors, spelling and migrations
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python -m django makemigrations --check --dry-run --settings templatetags_tests.settings responsive_img
	$(BIN)/python sandbox/manage.py makemigrations --check --dry-run

wheel: $(VENV)/.dev ## Build the wheel and use it once from an empty directory
	.ci/wheel $(BIN)/python

look: $(VENV)/.dev ## Follow the README to the demo, and look at its pages in headless Chromium
	.ci/demo $(BIN)/python

matrix: $(VENV)/.dev ## Run the tests on every Python and Django release that can be had
	$(BIN)/nox

bench: $(VENV)/.dev ## Measure pages and builds against static images and raw Pillow
	$(BIN)/python -m sandbox.benchmarks

corpus: $(CORPUS)/.unpacked ## Build every test image of Pillow's source distribution: no crash, no hang
	$(BIN)/python -m sandbox.fuzzing corpus $(CORPUS)/*/Tests/images

fuzz: $(VENV)/.dev ## Build 20,000 damaged pictures: no crash, no hang (COUNT=… SEED=…)
	$(BIN)/python -m sandbox.fuzzing mutate --count $(or $(COUNT),20000) --seed $(or $(SEED),0)

sheet: $(VENV)/.dev ## Draw hard pictures beside what is made of them, to be looked at
	@mkdir -p build
	$(BIN)/python -m sandbox.sheet build/sheet.png

# An interpreter counts only if it runs: version managers put commands on the path that fail.
$(BIN)/python:
	@for python in $(PYTHON); do \
	  if $$python -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "$$python -m venv $(VENV)"; exec $$python -m venv $(VENV); \
	  fi; \
	done; \
	echo "No Python 3.11 or newer with venv among: $(PYTHON)" >&2; exit 1

$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# Dependency groups need pip 25.1.
$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@ $(VENV)/.runtime

# pip asks a source distribution for its metadata, so what that is built with is fetched too, but not used.
$(CORPUS)/.unpacked: | $(VENV)/.dev
	@rm -rf $(CORPUS)
	@mkdir -p $(CORPUS)
	$(BIN)/python -m pip download --quiet --no-deps --no-binary pillow --dest $(CORPUS) pillow
	@tar -xzf $(CORPUS)/*.tar.gz -C $(CORPUS)
	@rm $(CORPUS)/*.tar.gz
	@touch $@
