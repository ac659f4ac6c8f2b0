# make run                               sets everything up and tunes a model
# make run ARGS="task=qa method=lora"    the same with other settings
# make test | make test-all | make lint  what CI runs
# make fuzz                              long campaigns over model families and hostile input
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?= task=summarize method=prompt
# One process a core, one thread each: most tests are too small for more.
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist loadfile

.PHONY: run test test-all fuzz lint clean

run: $(READY)
	$(BIN)/python -m recipes.run $(ARGS)

test: $(READY)
	$(PYTEST) -m "not slow and not fuzz"

test-all: $(READY)
	$(PYTEST) -m "not fuzz"

fuzz: $(READY)
	$(PYTEST) -m fuzz

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# torch comes first and alone: a build that is already chosen (see README.md) is then kept.
# The last line puts src/ among the folders that Python searches: else `import tunebook`, typed
# beside a clone of that name, would find the clone and no package in it.
$(READY): requirements.txt pyproject.toml setup.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Tunebook needs Python 3.11 or newer; try: make PYTHON=python3.12"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $$(grep '^torch==' requirements.txt)
	$(BIN)/python -m pip install --quiet -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@$(BIN)/python -c 'import pathlib, sysconfig; \
		pathlib.Path(sysconfig.get_path("purelib"), "tunebook-source.pth").write_text( \
		str(pathlib.Path("src").resolve()) + "\n")'
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info src/*.egg-info
