# Needs only make, git and a Python with venv. PYTHON=… names another interpreter.
PYTHON ?= python3.13 python3.12 python3.11 python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
CORPUS := build/corpus
COMPAT := build/compat
VNU_VERSION := 26.9.27
VNU := build/vnu/node_modules/vnu-jar/build/dist/vnu.jar

.DEFAULT_GOAL := help
.PHONY: help demo demo-queue demo-celery demo-trusted test check wheel look html matrix bench bench-peers profile soak compat corpus fuzz sheet reference diagonal

help: ## Say what each target does
	@sed -nE 's/^([a-z-]+):.*## (.+)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(VENV)/.runtime ## Serve the sandbox gallery at http://127.0.0.1:8000 (PORT=…)
	$(BIN)/python sandbox/manage.py migrate --verbosity 0
	$(BIN)/python sandbox/manage.py draw_photos
	$(BIN)/python sandbox/manage.py runserver 127.0.0.1:$(PORT)

demo-queue: $(VENV)/.runtime ## The same with a queue in the database: originals first, a worker builds (WORKERS=1)
	$(BIN)/python -m sandbox.demo enqueue --port $(PORT) --workers $(or $(WORKERS),1)

demo-celery: $(VENV)/.celery ## The same with a Celery worker; needs redis-server, or SANDBOX_REDIS=redis://… (WORKERS=2)
	$(BIN)/python -m sandbox.demo celery --port $(PORT) --workers $(or $(WORKERS),2)

demo-trusted: $(VENV)/.runtime ## Warm the gallery, and serve it without a look at what is built (WORKERS=2)
	$(BIN)/python sandbox/manage.py migrate --verbosity 0
	$(BIN)/python sandbox/manage.py draw_photos
	SANDBOX_TRUST=1 $(BIN)/python sandbox/manage.py responsive_img warm gallery.Photo.image --preset photos --fix-dimensions --workers $(or $(WORKERS),2)
	SANDBOX_TRUST=1 $(BIN)/python sandbox/manage.py responsive_img warm gallery.Person.headshot --preset people --fix-dimensions
	SANDBOX_TRUST=1 $(BIN)/python sandbox/manage.py runserver 127.0.0.1:$(PORT)

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

html: $(VENV)/.dev build/vnu/.$(VNU_VERSION) ## Check the markup with the Nu HTML Checker; needs npm and Java 17
	RESPONSIVE_IMG_VNU=$(VNU) RESPONSIVE_IMG_REQUIRE_SERVICES=1 $(BIN)/pytest templatetags_tests/test_html.py

matrix: $(VENV)/.dev ## Run the tests on every Python and Django release that can be had
	$(BIN)/nox

# Each release once, not each with each.
diagonal: $(VENV)/.dev ## Run the tests once on each of them, and on PostgreSQL
	$(BIN)/nox --session "tests(python-3.11-django-5.2)" "tests(python-3.12-django-6.0)" \
	  "tests(python-3.13-django-6.1)" postgres

bench: $(VENV)/.dev ## Measure pages and builds against static images and raw Pillow
	$(BIN)/python -m sandbox.benchmarks

bench-peers: $(VENV)/.dev ## Measure the library beside its peers, installed under build/ (ARGS="--quick --only A")
	$(BIN)/python -m sandbox.peers $(ARGS)

profile: $(VENV)/.dev ## Time each stage of a picture and of a build (WRITE=1: into docs/performance.md)
	$(BIN)/python -m sandbox.profile $(if $(WRITE),--write)

soak: $(VENV)/.dev ## Serve pages for 10 minutes while everything breaks, then check that nothing is lost (SECONDS=…)
	$(BIN)/python -m sandbox.soak --seconds $(or $(SECONDS),600)

compat: $(VENV)/.dev ## Run Django's own tests with the app and the middleware added (SUITES=…)
	@version=$$($(BIN)/python -m django --version) && folder=$(COMPAT)/django-$$version && \
	if [ ! -e $$folder/.unpacked ]; then \
	  rm -rf $(COMPAT) && mkdir -p $$folder && \
	  $(BIN)/python -m pip download --quiet --no-deps --no-binary django --dest $(COMPAT) django==$$version && \
	  tar -xzf $(COMPAT)/*.tar.gz -C $$folder --strip-components 1 && \
	  rm $(COMPAT)/*.tar.gz && touch $$folder/.unpacked; \
	fi
	$(BIN)/python -m sandbox.compat $(SUITES)

corpus: $(CORPUS)/.unpacked ## Build every test image of Pillow's source distribution: no crash, no hang
	$(BIN)/python -m sandbox.fuzzing corpus $(CORPUS)/*/Tests/images

fuzz: $(VENV)/.dev ## Build 20,000 damaged pictures: no crash, no hang (COUNT=… SEED=…)
	$(BIN)/python -m sandbox.fuzzing mutate --count $(or $(COUNT),20000) --seed $(or $(SEED),0)

sheet: $(VENV)/.dev ## Draw hard pictures beside what is made of them, to be looked at
	@mkdir -p build
	$(BIN)/python -m sandbox.sheet build/sheet.png

reference: $(VENV)/.dev ## Write docs/reference.md anew: every argument with the markup that it makes
	$(BIN)/python -m sandbox.reference

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

$(VENV)/.celery: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group celery
	@touch $@ $(VENV)/.runtime

# pip asks a source distribution for its metadata, so what that is built with is fetched too, but not used.
$(CORPUS)/.unpacked: | $(VENV)/.dev
	@rm -rf $(CORPUS)
	@mkdir -p $(CORPUS)
	$(BIN)/python -m pip download --quiet --no-deps --no-binary pillow --dest $(CORPUS) pillow
	@tar -xzf $(CORPUS)/*.tar.gz -C $(CORPUS)
	@rm $(CORPUS)/*.tar.gz
	@touch $@

# The jar is all there is to it: its scripts would only look for a Java of their own.
build/vnu/.$(VNU_VERSION):
	@rm -rf build/vnu
	@mkdir -p build/vnu
	npm install --prefix build/vnu --no-save --no-package-lock --no-audit --no-fund --ignore-scripts --loglevel error vnu-jar@$(VNU_VERSION)
	@touch $@
