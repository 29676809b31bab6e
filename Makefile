# Everything a person does with this house. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help run test thorough check bench quality train export screenshots lock clean
PY := .venv/bin/python
export OMP_NUM_THREADS ?= 2

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run:  ## open the window; without a display, restore the demo recording into out/
	@scripts/setup run
	@$(PY) scripts/run.py $(ARGS)

test:  ## everything CI asks: layout, walls, types, style, tests
	@scripts/setup test
	@$(MAKE) --no-print-directory check
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

thorough:  ## the losses with every seed and draw, and the slow tests (many minutes)
	@scripts/setup test
	@SHELLAC_THOROUGH=1 $(PY) -m pytest tests/training/losses $(ARGS)
	@$(PY) -m pytest -m slow --timeout 1800 $(ARGS)

check:  ## ruff, mypy --strict and import-linter alone (seconds)
	@scripts/setup test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-cache

bench:  ## speed and memory as a table, beside the targets
	@scripts/setup test
	@$(PY) -m bench $(ARGS)

quality:  ## what the networks gain over the classical baselines, on recordings they never saw
	@scripts/setup test
	@$(PY) -m training.quality $(ARGS)

train:  ## train a network (docs/training.md): make train RECIPE=denoiser ARGS="--minutes 40"
	@scripts/setup test
	$(PY) -m training $(or $(RECIPE),$(error say which network: make train RECIPE=denoiser (training/recipes has them all))) $(ARGS)

export:  ## put a trained network into its room: make export ROOM=denoiser
	@scripts/setup test
	$(PY) -m export $(or $(ROOM),$(error say which network: make export ROOM=denoiser (models has them all))) $(ARGS)

screenshots:  ## drive the real window through real actions and write PNGs into out/screenshots
	@scripts/setup test
	@$(PY) -m gui.screenshots out/screenshots
	@cp out/screenshots/work.png docs/window.png

lock:  ## renew the lock files after a change of pyproject.toml
	@scripts/lock

clean:  ## remove what can be made again (not .venv)
	rm -rf out build dist .mypy_cache .ruff_cache .pytest_cache
