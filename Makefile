# `make demo` runs the main job on what the repository ships, `make test` passes every check,
# `make check` the quick ones: types, style and tests that are not slow. Each builds its
# environment first, with pinned versions.
PYTHON ?= python3
PIP = .venv/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt

.PHONY: demo check test bench clean

demo: .venv/carnet
	.venv/bin/carnet predict docs/structures/quartz.cif

check: .venv/test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -n auto -m "not slow and not browser and not compiler"

test: .venv/test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/python -m pytest -n auto

bench: .venv/test
	.venv/bin/python -m benchmarks

.venv/python:
	$(PYTHON) -m venv .venv
	touch $@

.venv/carnet: .venv/python pyproject.toml constraints.txt
	$(PIP) -e ".[carnet]"
	touch $@

.venv/test: .venv/python pyproject.toml constraints.txt
	$(PIP) -e ".[test,dev]"
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
