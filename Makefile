# Beitie's verbs; `make` alone lists them.
#
# Variables:
#   PYTHON        a Python of 3.11 or later, where none is found by itself
#   TORCH_INDEX   an index with CPU builds of torch, for a machine without a GPU, such as
#                 https://download.pytorch.org/whl/cpu (without it pip takes what it finds first)
#   BEITIE_HOME   where a running project keeps its data (default: .beitie in the checkout)
#   SCANS         a folder of your own scans for `make demo`

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?=
TORCH_INDEX ?=
SCANS ?=
export PYTHON TORCH_INDEX

BIN := .venv/bin
# A stamp is named after what was installed: another lock, another stamp, another installation.
STAMP := .venv/.installed-$(shell cat .requirements/main.txt pyproject.toml | cksum | cut -d' ' -f1)
LS_STAMP := .venv-label-studio/.installed-$(shell cksum < .requirements/label-studio.txt | cut -d' ' -f1)

.PHONY: help setup browser material check fix test demo up bench lock clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) $(LS_STAMP) ## install everything into .venv and .venv-label-studio (quick the second time)
	@:

$(STAMP):
	@.requirements/install main
	@rm -f .venv/.installed-* && touch $@

$(LS_STAMP):
	@.requirements/install label-studio
	@rm -f .venv-label-studio/.installed-* && touch $@

browser:
	@.requirements/install browser

material: $(STAMP) ## fetch fonts, texts and the 15 CODH pages into BEITIE_HOME (once)
	@$(BIN)/python -m assets.demo --fetch-only

check: $(STAMP) ## style, types and import contracts
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

fix: $(STAMP) ## repair style where a tool can
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check .

test: setup browser material check ## set up, check, and run all tests: the fast ones, then the slow ones
	@$(BIN)/python -m pytest -q -m "not slow"
	@$(BIN)/python -m pytest -q -m slow

demo: setup ## run the whole loop on real pages and a synthetic hand (SCANS=folder for your own)
	@$(BIN)/python -m assets.demo $(if $(SCANS),--scans "$(SCANS)")

up: setup ## open Dagster, Label Studio and the desk on localhost
	@$(BIN)/beitie up

bench: setup material ## measure speed and memory as ratios within one run
	@$(BIN)/python -m tests.benchmarks

lock: ## write the locks anew from the newest versions that pyproject.toml allows
	@.requirements/lock

clean: ## remove both environments and every cache; keeps BEITIE_HOME, where your data is
	@rm -rf .venv .venv-label-studio *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
