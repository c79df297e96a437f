# make serve: set up and run Sesame. make test: set up and run every test.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: install serve test check bench reference lock clean

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit("Sesame needs Python 3.11 or later; say which: make PYTHON=python3.11") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/.runtime: $(BIN)/uv requirements/runtime.lock pyproject.toml
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/runtime.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements/dev.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.lock
	@touch $@

install: $(VENV)/.runtime

serve: install
	$(BIN)/sesame serve $(ARGS)

test: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/test $(ARGS)

check: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check

bench: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m bench $(ARGS)

# Write docs/reference anew from the code.
reference: $(VENV)/.dev
	$(BIN)/python -m tools.make_reference

# Write both lock files anew from pyproject.toml.
lock: $(BIN)/uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade pyproject.toml -o requirements/runtime.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --upgrade pyproject.toml --group dev -o requirements/dev.lock

clean:
	rm -rf $(VENV)
