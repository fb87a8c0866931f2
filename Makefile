# make run: everything from a fresh clone to the application in the browser.
# make test: what the tests need on top, then all of them.
# make bench: how fast and how large it is.
# make soak: what kills, full disks, busy databases and clocks put back come to; writes tests/faults/RESULTS.md.
# make audit: known holes in what is installed; needs the network.
# make validate: how right the figures are; writes tests/validation/RESULTS.md and the README's table.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := videos/sample
REPORT := $(SAMPLE)/report

.PHONY: run sample serve test soak validate bench audit lint clean

run: sample serve

# The first time analyses; later ones compute the figures again from the tables, in a second.
sample: | $(VENV)/ready
	@if [ -f $(REPORT)/session.json ]; then $(BIN)/python -m cues metrics $(REPORT); \
	else $(BIN)/python -m cues analyze $(SAMPLE)/session.mp4 --out $(REPORT) --trainee left; fi

serve: $(VENV)/ready
	@$(BIN)/python app.py

test: lint $(VENV)/boris-ready
	$(BIN)/python -m pytest -n 2 --dist loadfile

# Kills at a hundred random moments and everything else that the world does: about an hour on two cores.
soak: $(VENV)/tests-ready
	$(BIN)/python -m tests.faults

# The accuracy of every figure against known truth: tests/validation/README.md. Up to an hour.
validate: $(VENV)/tests-ready
	$(BIN)/python -m tests.validation
	CUES_TEST_WHOLE=1 $(BIN)/python -m pytest tests/test_sample.py

# How fast and how large: speed and memory by length, a long upload, opening an hour. Up to an hour, on an idle machine;
# CUES_TEST_DATA names the clips that recordings are composed of (tests/validation/README.md).
bench: $(VENV)/tests-ready sample
	$(BIN)/python -m tests.benchmarks

# Known holes in what is pinned. Asks PyPI, so it needs the network; fails where it gets no answer: cues/SECURITY.md.
audit: $(VENV)/audit-ready
	$(VENV)/audit/bin/pip-audit --strict --no-deps --disable-pip -r requirements.txt -r cues/deployment/requirements-cluster.txt -r tests/requirements.txt

lint: $(VENV)/tests-ready
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

$(VENV)/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Try: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "Missing: the venv module. Debian/Ubuntu: sudo apt install python3-venv"; rm -rf $(VENV); exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m cues.system_libraries
	@touch $@

$(VENV)/tests-ready: $(VENV)/ready tests/requirements.txt cues/deployment/requirements-cluster.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

# BORIS, which opens the projects that are made for it: in an environment of its own, because it is under the GPL and
# brings Qt along. Half a minute and 0.5 GB, once.
$(VENV)/boris-ready: $(VENV)/ready tests/boris-requirements.txt
	@$(PYTHON) -m venv $(VENV)/boris
	$(VENV)/boris/bin/python -m pip install --quiet --disable-pip-version-check -r tests/boris-requirements.txt
	@touch $@

$(VENV)/audit-ready: $(VENV)/ready
	@$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@touch $@

clean:
	rm -rf $(VENV) $(REPORT)
