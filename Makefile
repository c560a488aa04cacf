PYTHON ?= python

.PHONY: check lock
check:  ## style, types, layers, Snakefile format and the fast tests
	ruff check . && ruff format --check . && mypy && lint-imports && snakefmt --check Snakefile workflow && pytest

lock:  ## new exact pins from envs/*.in, made in fresh environments
	rm -rf .lock && $(PYTHON) -m venv .lock && .lock/bin/pip install -q torch==2.13.0 && .lock/bin/pip install -q -r envs/base.in
	.lock/bin/pip freeze --exclude-editable | grep -v -e '^-e' | sed 's/+cpu$$//' > envs/base.lock
	.lock/bin/pip install -q -r envs/test.in
	.lock/bin/pip freeze --exclude-editable | sed 's/+cpu$$//' | grep -v -x -F -f envs/base.lock > envs/test.lock
	rm -rf .lock
	$(PYTHON) -m bench.core.environments
