# Two commands on a machine that has Python (3.10 or newer) and make:
#   make demo    build .venv, install, follow the people of the clip in docs/demo
#   make test    install what the tests need, and run them
# `make PYTHON=python3.12 demo` chooses the Python; else the first of these that can be used.

PYTHON ?= python3.13 python3.12 python3.11 python3.10 python3
BIN := .venv/bin
DEMO := docs/demo/demo.mp4

# A Python without one of these (some systems package them apart) cannot build or fill .venv.
NEEDED := import ensurepip, sqlite3, ssl, sys, venv; sys.exit(sys.version_info < (3, 10))

.PHONY: help install demo test test-slow lint clean

help:
	@echo 'make demo       build .venv, install, run fspose on $(DEMO)'
	@echo 'make test       check style and types, run the tests'
	@echo 'make test-slow  the same, with the longer proofs'
	@echo 'make lint       style and types alone'
	@echo 'make install    build .venv and install fspose into it'
	@echo 'make clean      remove what the tools left; .venv stays'

demo: .venv/installed
	$(BIN)/fspose track $(DEMO) -o demo-out --overwrite

test: lint
	$(BIN)/python -m pytest -m 'not slow'

test-slow: lint
	$(BIN)/python -m pytest

lint: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

install: .venv/installed

clean:
	rm -rf build dist demo-out .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find $(wildcard data models pipelines fspose_app tests benchmarks) \
		-name __pycache__ -prune -exec rm -rf {} +

# The stamps make a second `make` quick; a change of pyproject.toml installs again.
.venv/installed: pyproject.toml
	@$(BIN)/python -m pip --version >/dev/null 2>&1 && exit 0; \
	for python in $(PYTHON); do \
		if $$python -c '$(NEEDED)' >/dev/null 2>&1; then \
			echo "Building .venv with $$($$python --version)"; \
			exec $$python -m venv --clear .venv; \
		fi; \
	done; \
	echo 'No Python 3.10 or newer with venv, ssl and sqlite3 was found (tried: $(PYTHON)).' >&2; \
	echo 'Install one (Debian, Ubuntu: python3 and python3-venv), or name it: make PYTHON=...' >&2; \
	exit 1
	$(BIN)/python -m pip install --upgrade pip
	$(BIN)/python -m pip install --editable .
	@touch $@

# Apart from the above, because a user of `make demo` needs none of it. pip 25.1 reads groups.
.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --group dev
	@touch $@
