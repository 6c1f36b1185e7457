# make demo       install mien alone and read one real photo
# make test       install everything once, then run the tests
# make quick      the fast ones of them
# make test-avx2  the tests of training and export, as on a processor without AVX-512
# make check      style, types, layers, the site's links
# make docs       the documentation site, into out/site
# make dist       sdist and wheel, built twice, looked into and installed alone, into dist/
# make lock       pin the files of what these install anew, into locks/
# make clean      remove what these made (not runs/)
# make help       this

FITS := 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))'
PYTHON ?= $(shell for p in python3.11 python3 python3.14 python3.13 python3.12; do \
	$$p -c $(FITS) 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
SLOW := $(patsubst %,tests/test_%.py,cli cli_video docs evaluation notebooks report timeline watch_command)
PIP := -m pip --disable-pip-version-check --quiet
LOCKED := install --require-hashes --no-deps -r
# files come in the order of tests/conftest.py: by default those with few tests, which may take long, come last;
# bytecode is kept wherever this runs: hundreds of processes that tests start would each compile mien anew
TESTS := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

.PHONY: help demo test quick test-avx2 check docs dist lock clean python
.DELETE_ON_ERROR:

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

demo: .venv-demo/.installed
	.venv-demo/bin/python tools/demo.py

test: .venv/.installed
	$(TESTS)

quick: .venv/.installed
	$(TESTS) $(filter-out $(SLOW),$(wildcard tests/test_*.py))

test-avx2: .venv/.installed
	ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 $(TESTS) tests/training

check: .venv/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zensical build --strict

docs: .venv/.installed
	$(BIN)/python tools/commands.py
	$(BIN)/zensical build --clean --strict

dist: .venv-dist/.installed .venv/.installed
	.venv-dist/bin/python tools/dist.py --tests $(BIN)/python

lock: .venv-dist/.installed
	.venv-dist/bin/python tools/lock.py

clean:
	rm -rf .venv .venv-demo .venv-dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .cache build dist out
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# torch, whose file depends on where it comes from, is pinned by its version alone
.venv/.installed: pyproject.toml constraints.txt locks/test.txt | python
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) $(LOCKED) locks/test.txt
	$(BIN)/python $(PIP) install -c constraints.txt -e '.[cluster,notebooks,serve,live,heic,video,dev]'
	touch $@

.venv-demo/.installed: pyproject.toml locks/base.txt | python
	$(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python $(PIP) $(LOCKED) locks/base.txt
	.venv-demo/bin/python $(PIP) install --no-deps -e .
	touch $@

.venv-dist/.installed: locks/dist.txt | python
	$(PYTHON) -m venv .venv-dist
	.venv-dist/bin/python $(PIP) $(LOCKED) locks/dist.txt
	touch $@

python:
	@$(or $(PYTHON),false) -c $(FITS) || { \
		echo "mien needs Python 3.11 to 3.14: install one, or name it: make PYTHON=/path/to/python3.11 ..."; exit 1; }
