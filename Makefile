# `make demo` runs the main job on what the repository ships, `make test` passes every check,
# `make check` the quick ones: types, style and tests that are not slow, `make docs` builds the
# site. Each makes its environment first, with pinned versions: what is downloaded has the hashes of requirements/*.lock;
# what a lock does not know (an unusual machine) has the versions of constraints.txt.
PYTHON ?= python3
SEED ?= 0
MINUTES ?= 60
PIP = .venv/bin/python -m pip --disable-pip-version-check
HASHED = $(PIP) install --quiet --require-hashes --no-deps --no-build-isolation
OURS = $(PIP) install --quiet --no-build-isolation -c constraints.txt
LOCKS = $(wildcard requirements/*.lock)

.SILENT: .venv/python .venv/carnet .venv/test .venv/docs .venv/mutation
.PHONY: demo check test docs bench campaign mutants clean

demo: .venv/carnet
	@.venv/bin/carnet predict docs/structures/quartz.cif
	@printf '%s\n' '' 'next: .venv/bin/carnet predict YOUR.cif                   # a crystal of your own' \
	  '      .venv/bin/natural-tensors form elastic --group 32   # what symmetry alone says of quartz'

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

# Runs the code of the tutorials on the way; the pages are then in build/site/index.html.
docs: .venv/docs
	.venv/bin/python -m sphinx --fail-on-warning --fresh-env docs build/site

campaign: .venv/test
	.venv/bin/python -m tests.campaign --seed $(SEED) --minutes $(MINUTES)

bench: .venv/test
	.venv/bin/python -m benchmarks

# Changes the code in 400 places and says which no test noticed: hours, and it goes on where it was.
mutants: .venv/mutation
	.venv/bin/python -m tests.mutants

.venv/python: $(LOCKS)
	echo 'an environment in .venv, by the hashes of requirements/: PyTorch ...'
	$(PYTHON) -m venv .venv
	$(HASHED) -r requirements/build.lock
	$(HASHED) -r requirements/torch-cpu.lock 2>/dev/null || $(HASHED) -r requirements/torch.lock
	touch $@

.venv/carnet: .venv/python pyproject.toml constraints.txt
	echo 'what predicts ...'
	$(HASHED) -r requirements/carnet.lock
	$(OURS) -e ".[carnet]"
	$(PIP) check
	touch $@

.venv/test: .venv/python pyproject.toml constraints.txt
	echo 'what tests ...'
	$(HASHED) -r requirements/test.lock
	$(OURS) -e ".[test,dev]"
	$(PIP) check
	touch $@

.venv/docs: .venv/python pyproject.toml constraints.txt
	echo 'what builds the site ...'
	$(HASHED) -r requirements/docs.lock
	$(OURS) -e ".[docs]"
	$(PIP) check
	touch $@

.venv/mutation: .venv/test
	$(OURS) -e ".[test,dev,mutation]"
	touch $@

clean:
	rm -rf .venv build dist *.egg-info
