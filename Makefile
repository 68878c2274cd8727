# SPDX-License-Identifier: Apache-2.0
# Two commands do everything: `make demo` and `make test`. Each makes .venv first, if it is missing or out of date.

PYTHON ?= python3
RUN     := .venv/bin/python
STAMP   := .venv/.ready
PIP     := $(RUN) -m pip -qq --disable-pip-version-check --no-input
# Two more than the two processors of a small machine: tests that wait for a quota or a deadline leave theirs to others.
JOBS    ?= 4
PROXIES := squid tinyproxy haproxy nginx pgbouncer
# The suites of `make conformance`, by their names in tools/conformance.py; all if there are none.
SUITES  ?=

# A lock is resolved from the public index alone: what a machine adds of its own (a wheel folder, a mirror) stays out.
COMPILE := env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL -u PIP_INDEX_URL PIP_CONFIG_FILE=/dev/null \
	CUSTOM_COMPILE_COMMAND="make lock" $(RUN) -m piptools compile --quiet --generate-hashes --allow-unsafe \
	--strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

.DEFAULT_GOAL := help
.PHONY: help setup demo test acceptance check conformance docs recording bench lock generate
.DELETE_ON_ERROR:

help: ## this list
	@echo "make TARGET, where TARGET is one of"
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo "PYTHON=python3.12 picks another Python than python3; JOBS=8 another number of test processes than 4."

setup: $(STAMP) ## make .venv with all that is pinned; nothing to do when it is fresh
	@:

demo: $(STAMP) ## the main job, live on the embedded emulator, with a verdict
	@.venv/bin/callwell demo

# Whatever the shell says, Python may keep what it compiles: pytest's rewriting of the assertions costs each test process
# thirteen seconds, and every program that tests start would compile the package anew.
test acceptance: export PYTHONDONTWRITEBYTECODE :=

test: $(STAMP) ## all tests
	@$(RUN) -m pytest -n $(JOBS) --dist worksteal

acceptance: $(STAMP) ## what takes longer: twenty demos, kills, a dead provider, a full disk, a lost network; twenty minutes
	@$(RUN) -m pytest tests/acceptance -n 2 --dist worksteal -o faulthandler_timeout=900

check: $(STAMP) ## format, lint, types, and generated code is fresh
	@$(RUN) -m ruff format --check --quiet . || { echo "format: run .venv/bin/ruff format"; exit 1; }
	@echo "format: ok"
	@$(RUN) -m ruff check --quiet .
	@echo "lint: ok"
	@$(RUN) -m mypy
	@$(RUN) tools/generate.py --check
	@$(RUN) -m towncrier build --draft --version next >/dev/null
	@echo "changelog: ok"

generate: $(STAMP) ## write all generated code anew
	@$(RUN) tools/generate.py

conformance: $(STAMP) ## official clients against the emulator, Callwell through proxies and on published APIs; needs node
	@PATH="$$PATH:/usr/sbin"; for name in $(PROXIES); do command -v $$name >/dev/null || missing=1; done; \
		test -z "$$missing" || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq \
		&& apt-get install -qq --yes --no-install-recommends $(PROXIES) >/dev/null; } \
		|| { echo "conformance: a proxy is missing: apt-get install $(PROXIES)"; exit 1; }
	@$(RUN) tools/conformance.py $(SUITES)

docs: $(STAMP) ## the documentation as a site, in build/site; a warning or a foreign address is an error
	@$(PIP) install --require-hashes --requirement requirements/docs.txt
	@$(RUN) tools/docs_site.py

recording: $(STAMP) ## run the demo in a terminal and write it down as docs/demo.svg; a minute
	@$(RUN) tools/recording.py

bench: $(STAMP) ## measure against the usual stack on nginx, into bench/results; half an hour, best on an idle machine
	@PATH="$$PATH:/usr/sbin"; command -v nginx >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -qq --yes nginx >/dev/null; } || { echo "bench: nginx is missing: apt-get install nginx"; exit 1; }
	@$(PIP) install --require-hashes --requirement requirements/bench.txt
	@for name in overhead pages startup upload prepare assess describe leaks fleet simulate; do $(RUN) -m bench $$name --write || exit; done

lock: $(STAMP) ## resolve the requirements anew, within the bounds of pyproject.toml and requirements/dev.in
	@$(RUN) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "lock: resolve on Python 3.11, the oldest supported")'
	@$(COMPILE) $(LOCKFLAGS) --all-extras --output-file requirements/dev.txt pyproject.toml requirements/dev.in
	@$(COMPILE) --constraint requirements/dev.txt --output-file requirements/run.txt pyproject.toml
	@$(COMPILE) --constraint requirements/dev.txt --extra emulator --output-file requirements/emulator.txt pyproject.toml
	@$(COMPILE) --constraint requirements/dev.txt --output-file requirements/bench.txt requirements/bench.in
	@$(COMPILE) --constraint requirements/dev.txt --output-file requirements/docs.txt requirements/docs.in
	@$(COMPILE) --output-file requirements/conformance.txt requirements/conformance.in
	@$(COMPILE) --output-file requirements/proxies.txt requirements/proxies.in
	@$(COMPILE) --output-file requirements/describe.txt requirements/describe.in
	@for name in conformance documents; do npm --prefix requirements/$$name update --silent --package-lock-only; done
	@echo "lock: requirements/*.txt, requirements/*/package-lock.json (LOCKFLAGS=--upgrade takes newer versions)"

# The stamp is the last thing written: a set-up that was interrupted has none, and starts from an empty .venv.
$(STAMP): pyproject.toml src/callwell/version.py requirements/dev.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Callwell needs Python 3.11 or newer; $(PYTHON) is %d.%d. Name another one: make setup PYTHON=python3.12" % v[:2])'
	@if [ -e $@ ] && $(RUN) -c '' 2>/dev/null; then rm $@; else echo "set-up: .venv with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear .venv; fi
	@echo "set-up: pinned requirements"
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@echo "set-up: callwell, editable"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "set-up: ready"
