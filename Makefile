# Each target makes .venv from the lock first; with a current .venv that takes no time.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
RUN := $(VENV)/bin
POOL ?= cpu
API := PREFECT_API_URL=$${PREFECT_API_URL:-http://127.0.0.1:4200/api}
FAST := not slow and not docker and not vllm and not gpu

.PHONY: help demo results test test-slow test-docker chaos server pools deploy worker sandbox-image lint format clean
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements-cpu.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
		{ echo "Python 3.11 or 3.12 is needed; $(PYTHON) is not: make PYTHON=python3.11 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	# torch first and with its dependencies: they differ between its CPU and CUDA builds, and the lock holds neither
	$(RUN)/python -m pip install --quiet torch==2.13.0 --constraint requirements-cpu.lock
	$(RUN)/python -m pip install --quiet --no-deps --requirement requirements-cpu.lock
	$(RUN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(STAMP)

demo: $(STAMP) ## The whole method on CPU: train, improve, evaluate, report (at most 10 minutes)
	$(RUN)/mucode demo

results: $(STAMP) ## The figures of docs/results.md: every algorithm and verifier on four seeds (hours)
	$(RUN)/python -m benchmarks.results --out runs/results

test: $(STAMP) ## Fast tests (under 3 minutes)
	$(RUN)/python -m pytest -m "$(FAST)" --numprocesses 2 --dist loadfile

test-slow: sandbox-image ## The minutes-long tests: end to end, real data, kill and resume
	$(RUN)/python -m pytest -m "slow or vllm" --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 12

QUIET := set -a && . deployments/quiet.env && set +a
server: $(STAMP) ## A Prefect server; its UI on http://127.0.0.1:4200
	$(QUIET) && $(RUN)/prefect server start

pools: $(STAMP) ## Work pools: cpu, and one for each group of GPUs in GPUS="0,1,2,3 4,5,6,7"; NODE=name on one of several machines
	$(API) $(RUN)/python -m deployments.pools $(if $(NODE),--node $(NODE)) $(GPUS)

deploy: $(STAMP) ## The deployments of the demos; with GPU_POOL=gpu-0123 those of the recipes for GPUs too
	$(API) $(RUN)/python -m deployments.deploy $(GPU_POOL)

worker: $(STAMP) ## A worker of POOL=cpu, gpu-0123, docker-gpu-0123 ...
	$(QUIET) && $(API) PATH="$(CURDIR)/$(RUN):$$PATH" $(RUN)/python -m deployments.worker $(POOL)

sandbox-image: $(STAMP) ## Image of the container sandbox; BASE=image to build on one, else from the interpreter's files
	$(RUN)/mucode sandbox build $(if $(BASE),--base $(BASE))

test-docker: sandbox-image ## Tests that need a Docker daemon
	$(RUN)/python -m pytest -m "docker and not slow"

chaos: sandbox-image ## Twenty runs with parts killed at random moments (20 minutes); SEED=0 for other moments
	MUCODE_CHAOS_RUNS=20 MUCODE_CHAOS_SEED=$(or $(SEED),0) $(RUN)/python -m pytest -s tests/test_chaos.py

lint: $(STAMP) ## Style and types
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/pyright

format: $(STAMP) ## Rewrite the sources in the house style
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

clean: ## Remove what the targets made, runs excepted
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis
