# Each target first creates .venv from the lock file unless it is up to date.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
SERVED := $(or $(RUN),runs/demo-seed0)
# RUN=... of the command line is the run to serve
override RUN := $(VENV)/bin
POOL ?= cpu
API := PREFECT_API_URL=$${PREFECT_API_URL:-http://127.0.0.1:4200/api}
FAST := not slow and not docker and not vllm and not gpu

.PHONY: help demo real-fast real real-study serve results golden test test-slow test-docker chaos fuzz docs coverage mutants server pools deploy worker sandbox-image sandbox-serve lint format clean
.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(STAMP): requirements-cpu.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
		{ echo "Python 3.11 or 3.12 is needed; $(PYTHON) is not: make PYTHON=python3.11 ..." >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	# torch first and with its dependencies: they differ between its CPU and CUDA builds, so the lock has neither
	$(RUN)/python -m pip install --quiet --no-compile torch==2.13.0 --constraint requirements-cpu.lock
	$(RUN)/python -m pip install --quiet --no-compile --no-deps --requirement requirements-cpu.lock
	$(RUN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	# with all cores, where pip has one; a few packages hold templates that are no Python
	$(RUN)/python -m compileall -qq -j 0 $(VENV)/lib || true
	# type checkers find packages by directory name
	mkdir -p $(VENV)/packages && cd $(VENV)/packages && for name in tasks flows deployments configs; do ln -sfn ../../$$name mucode_$$name; done
	touch $(STAMP)

demo: $(STAMP) ## The whole method on CPU: train, improve, evaluate, report (6 to 10 minutes on two idle cores)
	$(RUN)/mucode demo

real-fast: $(STAMP) ## The method on SmolLM2-135M, small: a warm-up and one iteration (docs/real.md)
	$(RUN)/mucode train configs/smollm2-135m-fast.yaml

real: $(STAMP) ## The method on SmolLM2-135M overnight: a warm-up and two iterations (docs/real.md)
	$(RUN)/mucode train configs/smollm2-135m.yaml

real-study: $(STAMP) ## µCode, RFT and SSD on SmolLM2-135M at equal samples and steps (hours); SEED=0
	$(RUN)/mucode ablate configs/ablations/real.yaml --out runs/real-study-seed$(or $(SEED),0) --set run.seed=$(or $(SEED),0)

results: $(STAMP) ## Reproduce docs/results.md: every algorithm and verifier on four seeds (hours)
	$(RUN)/python -m benchmarks.results --out runs/results

serve: $(STAMP) ## Serve RUN=runs/demo-seed0: an OpenAI-compatible endpoint, and a page on http://127.0.0.1:8000
	$(RUN)/mucode serve --run $(SERVED)

test: $(STAMP) ## Fast tests (about 6 minutes on two idle cores)
	# one process more than cores: many tests wait for servers and limits of time
	$(RUN)/python -m pytest -m "$(FAST)" --numprocesses 3 --dist loadfile

test-slow: sandbox-image ## Slow tests (50 minutes on two cores): end to end, real data, kill and resume
	# one process more than cores: many tests wait for servers, containers and leases
	$(RUN)/python -m pytest -m "slow or vllm" --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations 12

QUIET := set -a && . deployments/quiet.env && set +a
server: $(STAMP) ## Start a Prefect server; UI on http://127.0.0.1:4200
	$(QUIET) && $(RUN)/prefect server start

pools: $(STAMP) ## Create work pools: cpu, and one for each group of GPUs in GPUS="0,1,2,3 4,5,6,7"; NODE=name if there are several machines
	$(API) $(RUN)/python -m mucode_deployments.pools $(if $(NODE),--node $(NODE)) $(GPUS)

deploy: $(STAMP) ## Create the deployments of the demos; with GPU_POOL=gpu-0123 also those of the GPU recipes
	$(API) $(RUN)/python -m mucode_deployments.deploy $(GPU_POOL)

worker: $(STAMP) ## Start a worker of POOL=cpu, gpu-0123, docker-gpu-0123 ...
	$(QUIET) && $(API) PATH="$(CURDIR)/$(RUN):$$PATH" $(RUN)/python -m mucode_deployments.worker $(POOL)

sandbox-image: $(STAMP) ## Build the container sandbox's image from BASE=image, or else from the interpreter's files
	$(RUN)/mucode sandbox build $(if $(BASE),--base $(BASE))

sandbox-serve: $(STAMP) ## Serve the sandbox over HTTP, with the options in OPTIONS="--port 8700 --workers 8"
	exec $(RUN)/mucode sandbox serve $(OPTIONS)

golden: $(STAMP) ## Check the reference solutions of all data sets in DATA=dir; writes the table of docs/problems.md
	$(RUN)/python -m benchmarks.golden $(if $(DATA),--data $(DATA))

test-docker: sandbox-image ## Tests that need a Docker daemon
	$(RUN)/python -m pytest -m "docker and not slow" --numprocesses 2 --dist worksteal

chaos: sandbox-image ## Twenty runs with processes killed at random moments (20 minutes); SEED=0 for other moments
	MUCODE_CHAOS_RUNS=20 MUCODE_CHAOS_SEED=$(or $(SEED),0) $(RUN)/python -m pytest -s tests/flows/test_chaos.py

fuzz: $(STAMP) ## Sandbox against a plain interpreter, and hostile answers: CASES=100000 of each from SEED=0
	$(RUN)/python -m tests.sandbox.oracle.fuzz --cases $(or $(CASES),10000) --seed $(or $(SEED),0) --hostile

lint: docs ## Check style, types and the layers of imports
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/pyright
	$(RUN)/lint-imports --no-logo

docs: $(STAMP) ## Build the documentation as a site (site/); a broken link or name is an error
	NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build --strict --quiet

coverage: $(STAMP) ## Branch coverage of the fast tests, subprocesses included, against the floor in pyproject.toml
	rm -f .coverage .coverage.*
	$(RUN)/python -m pytest -m "$(FAST)" --numprocesses 3 --dist loadfile --cov --cov-report=term:skip-covered

mutants: $(STAMP) ## Mutation tests of what decides on data and figures (3 minutes); JUDGE=100 tests as many of the judge (15 minutes)
	$(RUN)/python -m tests.support.mutants $(if $(JUDGE),judge $(JUDGE))

format: $(STAMP) ## Format the sources
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

clean: ## Remove what the targets created, except runs
	rm -rf $(VENV) build *.egg-info .pytest_cache .ruff_cache .hypothesis site mutants
