# make serve: set up and run Sesame. make test: set up and run every test.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=

.PHONY: install serve boto3 browser nats test compiled check bench mutation fuzz peers models reference screenshots assets lock clean

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

$(VENV)/.clients: $(BIN)/uv requirements/clients.lock scripts/clients tests/clients/package-lock.json
	test -x $(VENV)/clients/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(VENV)/clients
	$(BIN)/uv pip install --quiet --python $(VENV)/clients/bin/python --require-hashes -r requirements/clients.lock
	scripts/clients
	@touch $@

$(VENV)/.browser: scripts/browser console-assets/package-lock.json
	scripts/browser
	@touch $@

# A Chromium for the console's tests and pictures; large, so only where it is asked for.
browser: $(VENV)/.browser
	scripts/browser --chromium

# What `make bench` compares with, where it can be had; without it those lines are left out, with a word.
peers: $(BIN)/uv
	test -x $(VENV)/peers/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(VENV)/peers
	$(BIN)/uv pip install --quiet --python $(VENV)/peers/bin/python --require-hashes -r requirements/peers.lock
	cd bench/peer && npm ci --silent --no-audit --no-fund

$(VENV)/.fuzz: $(VENV)/.dev requirements/fuzz.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/fuzz.lock
	@touch $@

install: $(VENV)/.runtime

serve: install
	$(BIN)/sesame serve $(ARGS)

# boto3 beside Sesame, for the walk of the README where the system's pip refuses to install.
boto3: $(VENV)/.runtime
	$(BIN)/uv pip install --quiet --python $(BIN)/python --constraint requirements/dev.lock boto3

$(VENV)/.nats: scripts/nats
	scripts/nats
	@touch $@

# A NATS server for the tests of the operator's stream.
nats: $(VENV)/.nats

# What is installed for the tests waits for the network, while format, lint and types are checked and the tests compiled.
test: $(VENV)/.dev
	@$(MAKE) --no-print-directory --jobs=5 --output-sync=target check compiled $(VENV)/.clients $(VENV)/.browser $(VENV)/.nats
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/test $(ARGS)

# What collecting the tests compiles is kept: else every worker compiles all of it, all at the same time.
compiled: $(VENV)/.dev
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --collect-only -qq >/dev/null

check: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/check

bench: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m bench $(ARGS)

# Break the policy engine in many places; expect the tests to see it. About a quarter of an hour on two cores.
mutation: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" python -m tools.mutation $(ARGS)

# Fuzz every reader of input from outside; seconds each.
FUZZ_SECONDS ?= 60
fuzz: $(VENV)/.fuzz
	PATH="$(CURDIR)/$(BIN):$$PATH" FUZZ_SECONDS=$(FUZZ_SECONDS) nice python -m tests.fuzz $(ARGS)

# Tell what the newest botocore knows of the served services and we do not; outside the gate, since it changes by the day.
models: $(BIN)/uv
	test -x $(VENV)/models/bin/python || $(BIN)/uv venv --quiet --python $(BIN)/python $(VENV)/models
	$(BIN)/uv pip install --quiet --upgrade --python $(VENV)/models/bin/python botocore
	$(VENV)/models/bin/python -m tools.newer_models

# Take the pictures of docs/screenshots anew.
screenshots: $(VENV)/.dev browser
	$(BIN)/python -m tools.screenshots

# Build src/sesame/console/static anew from console-assets.
assets:
	cd console-assets && npm ci --silent --no-audit --no-fund && npm run -s build

# Write docs/reference anew from the code.
reference: $(VENV)/.dev
	$(BIN)/python -m tools.make_reference

# Write the lock files anew from pyproject.toml. LOCK= keeps what is locked and adds what is missing.
LOCK ?= --upgrade
COMPILE = $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $(LOCK)
lock: $(BIN)/uv
	$(COMPILE) pyproject.toml -o requirements/runtime.lock
	$(COMPILE) pyproject.toml --group dev -o requirements/dev.lock
	$(COMPILE) --group clients -o requirements/clients.lock
	$(COMPILE) --group peers -o requirements/peers.lock
	$(COMPILE) --group fuzz -o requirements/fuzz.lock

clean:
	rm -rf $(VENV)
