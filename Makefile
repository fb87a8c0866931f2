# make run: everything from a fresh clone to the application in the browser.
# make test: what the tests need on top, then all of them.
# make bench: how fast and how large it is.
# make validate: how right the figures are; writes tests/validation/RESULTS.md and the README's table.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := videos/sample
REPORT := $(SAMPLE)/report

.PHONY: run sample serve test validate bench lint clean

run: sample serve

# The first time analyses; later ones compute the figures again from the tables, in a second.
sample: | $(VENV)/ready
	@if [ -f $(REPORT)/session.json ]; then $(BIN)/python -m cues metrics $(REPORT); \
	else $(BIN)/python -m cues analyze $(SAMPLE)/session.mp4 --out $(REPORT) --trainee left; fi

serve: $(VENV)/ready
	@$(BIN)/python app.py

test: lint
	$(BIN)/python -m pytest -n 2 --dist loadfile

# The accuracy of every figure against known truth: tests/validation/README.md. Up to an hour.
validate: $(VENV)/tests-ready
	$(BIN)/python -m tests.validation

# How fast and how large: memory of a long upload, opening an hour. Some minutes.
bench: $(VENV)/tests-ready
	$(BIN)/python -m tests.benchmarks

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

$(VENV)/tests-ready: $(VENV)/ready tests/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) $(REPORT)
