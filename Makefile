# What one does every day. `make demo` and `make test` need only git, make and
# a Python that pyproject.toml allows, with venv; both install the pinned dependencies into .venv once.
PYTHON ?= python3
VENV := .venv
PYTHONS := $(shell sed -n 's/^requires-python = "\(.*\)"/\1/p' pyproject.toml)
# Old versions of Python run this too, to say that they are old.
FITS := import re, sys; limits = re.findall(r"3.(\d+)", "$(PYTHONS)"); \
	sys.exit(not (3, int(limits[0])) <= sys.version_info[:2] < (3, int(limits[1])))
RUN := $(VENV)/bin/python -m
INSTALLED := $(VENV)/.installed
PARITY := $(VENV)/parity
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
DEMO := runs/demo

.PHONY: help demo test test-parity format lint types lock bench docs clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##/make \1	/p' Makefile | expand -t 18

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c '$(FITS)' || { \
		echo "seq2seq needs Python $(PYTHONS); $(PYTHON) is `$(PYTHON) --version`. Try: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(RUN) pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED)  ## train, measure and use a small model on the embedded phrasebook
	@$(RUN) seq2seq demo

test: lint types  ## everything CI runs: formatter check, linter, type checker, tests
	$(RUN) pytest

# PyTorch gets an environment of its own, which sees the pinned packages through a path file: what
# `make test` runs in stays as it is. TORCH_INDEX=URL names an index with builds for CPU alone, which
# are a tenth of the others' size. CTranslate2 searches with the demo's model where there is one.
$(PARITY)/.installed: $(INSTALLED)
	$(VENV)/bin/python -m venv --without-pip $(PARITY)
	$(VENV)/bin/python -c 'import sysconfig as s; \
		print("import site; site.addsitedir(%r)" % s.get_path("purelib"), \
		file=open(s.get_path("purelib", vars={"base": "$(abspath $(PARITY))"}) + "/pinned.pth", "w"))'
	$(PARITY)/bin/python -m pip install --quiet --disable-pip-version-check \
		--retries 1 $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) $(TORCH)
	@touch $@

test-parity: $(PARITY)/.installed  ## the tests beside other implementations, PyTorch among them
	$(if $(wildcard $(DEMO)/config.yaml),SEQ2SEQ_PARITY_RUN=$(DEMO)) $(PARITY)/bin/python -m pytest tests/parity

lint: $(INSTALLED)  ## formatter check and linter
	$(RUN) ruff format --check .
	$(RUN) ruff check .

types: $(INSTALLED)  ## type checker
	$(RUN) mypy

format: $(INSTALLED)  ## format the code and mend what the linter can
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

lock: $(INSTALLED)  ## pin the dependencies anew
	$(RUN) uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
		--upgrade --extra dev pyproject.toml -o requirements.lock

bench: $(INSTALLED)  ## the benchmarks that need no other framework
	$(VENV)/bin/python benchmarks/packing.py --config configs/demo.yaml
	@echo "Beside PyTorch: $(VENV)/bin/pip install '.[bench]' && $(VENV)/bin/python benchmarks/train_step.py small"

docs: $(INSTALLED)  ## write docs/recipes.md from the docstrings of the config
	$(VENV)/bin/python docs/generate_recipes.py

clean:  ## remove the environment and caches, keep the runs
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache
