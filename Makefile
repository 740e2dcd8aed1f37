# Every target works alone on a machine that has only Python 3.10 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
FOLDERS := $(shell find specframe layers models optim data training exercises -type d -not -name __pycache__)

.PHONY: help run test lint docs cover mutants oldest bench clean
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(VENV)/installed  ## train LeNet-5 and its spectral twin on MNIST, one process a core (ARGS="--help" lists the options)
	$(BIN)/python examples/lenet_mnist.py --workers 0 $(ARGS)

test: $(VENV)/installed  ## run all tests (ARGS="-k threshold" picks some)
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/installed  ## check style with ruff and types with mypy
	$(BIN)/python -m pip install --quiet -e ".[lint]"
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy

docs: $(VENV)/installed  ## build the book in build/docs; a warning or a dead link is an error
	$(BIN)/python -m pip install --quiet -e ".[docs]"
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/docs
	@echo "open build/docs/index.html"

cover: $(VENV)/installed  ## run all tests and list the lines that none of them reached
	$(BIN)/python -m pip install --quiet -e ".[cover]"
	$(BIN)/python -m pytest --cov=specframe --cov-report=term-missing:skip-covered $(ARGS)

mutants: $(VENV)/installed  ## plant small mistakes and list those that no test notices (ARGS="--all": every one)
	$(BIN)/python -m pip install --quiet -e ".[mutants]"
	$(BIN)/python -m tests.mutants $(ARGS)

oldest: $(VENV)/installed  ## run all tests on the oldest versions that pyproject.toml promises
	test -x .oldest/bin/python || $(PYTHON) -m venv .oldest
	.oldest/bin/python -m pip install --quiet "numpy==1.26.0" "scipy==1.12.0" "tqdm==4.60.0" -e ".[test]"
	.oldest/bin/python -m pytest $(ARGS)

bench: $(VENV)/installed  ## time a training step against PyTorch (installs it)
	$(BIN)/python -m pip install --quiet -e ".[oracle]"
	$(BIN)/python benchmarks/step.py $(ARGS)

clean:  ## remove the environment, build folders and caches
	rm -rf $(VENV) .oldest build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# An editable install is a folder of links, made anew when a file comes or goes (a folder changes then).
$(VENV)/installed: pyproject.toml setup.py $(FOLDERS)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e ".[test,plot,mpi]" || $(BIN)/python -m pip install --quiet -e ".[test,plot]"
	touch $@
