# Every command of this repository. `make demo` and `make test` set up all they need by themselves.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready
# what `make bench` measures itself against
PEERS := $(VENV)/peers/.ready
MEASURED := $(filter-out bench,$(MAKECMDGOALS))

SQLGLOT = $(shell sed -n 's/^sqlglot==//p' functions/validate_sql/requirements.in) $(RELEASE)

WEB := functions/console/web
PAGE := functions/console/dist/index.html
PACKAGES := $(WEB)/node_modules/.ready
NPM := VENV=$(abspath $(VENV)) $(WEB)/npm

# DuckDB's planner and sqlglot make and drop many small objects: glibc keeps them instead of sorting
# them back, which saves a sixth of the processor's time
export GLIBC_TUNABLES ?= glibc.malloc.tcache_count=2000

.DEFAULT_GOAL := help
.PHONY: help demo serve console test bench compare-sqlglot fuzz-sql fuzz-api fuzz-export rights fuzz-instances histories terraform-check test-bundles deploy-plan lock clean

help: ## What can be made here.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; try: make PYTHON=python3.12 ...")'
	@echo "Setting up $(VENV) (once, about a minute) ..."
	@test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(READY) $(PAGE) ## A small shop, several days, the whole product end to end; writes .local/report.html.
	@$(RUN) -m common.local demo

serve: $(READY) $(PAGE) ## The whole product on this machine until Ctrl-C.
	@$(RUN) -m common.local serve

console: $(PAGE) ## The page of the console, built from its TypeScript.

$(PACKAGES): $(WEB)/package-lock.json $(READY)
	@echo "Setting up the packages of the page (once, about 20 seconds) ..."
	@$(NPM) ci --silent
	@touch $@

$(PAGE): $(PACKAGES) $(wildcard $(WEB)/*.html $(WEB)/vite*.ts) $(shell find $(WEB)/src -type f ! -name '*.d.ts')
	@$(NPM) run --silent build

test: $(READY) $(PAGE) ## Style, types and every test.
	@$(VENV)/bin/ruff check --quiet .
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/mypy common functions tests
	@$(RUN) -m tests.console.documents $(WEB)/generated
	@$(NPM) run --silent check
	@$(VENV)/bin/pytest -m "not bundles" -n 2 --dist loadfile --max-worker-restart 0 --durations 10

bench: $(PEERS) ## Speed, memory and quality beside named baselines; `make bench scoring` measures one.
	@$(RUN) -m tests.bench $(MEASURED)

$(PEERS): requirements/bench.txt $(READY)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/bench.txt --target $(@D) --upgrade
	@touch $@

fuzz-sql: $(READY) ## A million mutants and a million FROM clauses: our guard against GoogleSQL's own analyzer.
	@$(RUN) -m tests.guard.fuzz --mutants 1000000 --froms 1000000

compare-sqlglot: $(READY) ## Verdicts of the guard with the pinned sqlglot, pure and compiled; RELEASE=x.y.z joins the next one.
	@for each in $(SQLGLOT); do $(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(VENV)/sqlglot/$$each sqlglot==$$each || exit; done
	@$(RUN) -m tests.guard.releases $(addprefix $(VENV)/sqlglot/,$(SQLGLOT))

fuzz-export: $(READY) ## A dry run against a run: 10,000 generated rows over three days, each destination.
	@$(RUN) -m tests.export.test_parity 10000

fuzz-api: $(READY) ## Ask all three HTTP interfaces anything; schemathesis judges the answers.
	@$(RUN) -m tests.http.fuzz --examples 100

rights: $(READY) ## What each grant of Terraform's is there for: the demo and the day after it, under the rights of the cloud.
	@$(RUN) -m tests.local.needs

fuzz-instances: $(READY) ## A daily run of 30 conversions to three destinations by ten instances of each function.
	@$(RUN) -m tests.local.instances 30 10

histories: $(READY) ## 2,000 histories of a GA4 export against one full run, then each wrong way; goes on where it was.
	@$(RUN) -m tests.materialize.export_histories $(OPTIONS)

terraform-check: $(READY) $(PAGE) ## Terraform, judged without a network.
	@$(VENV)/bin/pytest tests/terraform -m "not bundles"

test-bundles: $(READY) $(PAGE) ## Each bundle on its own requirements alone; installs them the first time.
	@$(VENV)/bin/pytest tests/terraform -m bundles

deploy-plan: $(READY) $(PAGE) ## What `terraform apply` would make, on one page, from the example of production.
	@$(RUN) -m tests.terraform.overview envs/prod.tfvars.example

lock: ## Pin all requirements again, with hashes; needs uv.
	@uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --quiet -o requirements/dev.txt
	@uv pip compile pyproject.toml --group bench --universal --python-version 3.11 --constraint requirements/dev.txt --generate-hashes --no-emit-index-url --no-strip-extras --no-header --quiet -o requirements/bench.txt
	@for each in functions/*/requirements.in; do \
	  uv pip compile $$each --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras --no-header --quiet -o $${each%.in}.txt; \
	  awk "$$TWINS" $${each%.in}.txt > $${each%.in}.new && mv $${each%.in}.new $${each%.in}.txt; \
	done

# pip looks for a pin of exactly what is asked for, so name[extra] is pinned as name as well; without
# it, pip 23 takes the newest release of name and then refuses it for lack of a hash.
define TWINS
function end() { plain = block; if (sub(/^[A-Za-z0-9._-]+\[[^]]*\]/, name, plain)) printf "%s", plain; printf "%s", block }
/^[A-Za-z0-9]/ { end(); block = ""; name = $$0; sub(/[[=].*/, "", name) }
{ block = block $$0 "\n" }
END { end() }
endef
export TWINS

clean: ## Forget the local data; keeps the set-up.
	@rm -rf .local

ifneq ($(filter bench,$(MAKECMDGOALS)),)
$(MEASURED): ;@:
endif
