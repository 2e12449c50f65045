# make lab        open the course (make lab EDITION=zh: 中文版)
# make test       every test
# make check      format, lint, types and every test
# make notebooks  build the editions of changed chapters
#
# Each of them first makes the virtual environment .venv, if it is missing or older than
# requirements.txt. It needs Python 3.11 or newer; PYTHON=... chooses one.

EDITION = en
PYTHON = python3
BIN = .venv/bin
# Written last. An environment whose making or updating was interrupted keeps the mark UNFINISHED,
# and is made again; one made by hand has neither, and is only brought up to date.
READY = .venv/.ready
UNFINISHED = .venv/.unfinished

.PHONY: lab test check notebooks FORCE

lab: $(READY)
	@$(BIN)/python -m mbpo_teach lab --edition $(EDITION)

# A file of tests stays in one process, so that its fixtures (a browser, a server) start once. Files
# begin in the order of tests/conftest.py, the longest first.
test: $(READY)
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(READY)
	@$(BIN)/python -m ruff format --check .
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m mypy
	@$(MAKE) --no-print-directory test

notebooks: $(READY)
	@$(BIN)/python tools/build_notebooks.py

# One that no longer loads the course, because Python was upgraded or the folder moved, is mended.
ifneq ($(shell cd / && "$(CURDIR)/$(BIN)/python" -c "import click, mbpo_teach" >/dev/null 2>&1 || echo broken),)
$(READY): FORCE
endif

$(READY): requirements.txt
	@set -e; \
	if [ -e $(UNFINISHED) ] || ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  found=; \
	  for python in $(PYTHON) python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "The course needs Python 3.11 or newer; $(PYTHON) is older or missing." \
	      "Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; fi; \
	  if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$found cannot make virtual environments. On Debian or Ubuntu:" \
	      "sudo apt install python3-venv" >&2; exit 1; fi; \
	  echo "Making .venv; the first time this downloads PyTorch and takes some minutes."; \
	  rm -rf .venv; "$$found" -m venv .venv; \
	fi; \
	touch $(UNFINISHED); \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt; \
	rm $(UNFINISHED); touch $@
