# Each command says what it does, about how long it takes, and what to install when something is missing.
.DEFAULT_GOAL := help
.PHONY: help demo demo-down test test-charts test-charts-full bench lint screenshots

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## builds floe-tui, starts two control planes on this machine, opens floe-tui on charts/
	@tools/demo.sh

demo-down: ## ends the demo's control planes; their contents stay
	@tests/sandbox/sandbox down
	@echo "The control planes are down. 'make demo' brings them back as they were; 'tests/sandbox/sandbox reset' removes them."

test: ## every test: charts (the quick part), sandbox, program; CHARTS_PROOF=full for all of the charts
	@tools/test.sh

test-charts: ## the charts without control planes and real programs (4 minutes)
	@tests/charts/run --quick

test-charts-full: ## the charts: everything (20 minutes)
	@tests/charts/run

bench: ## measures the budgets; the numbers are in the README
	@tools/bench.sh

lint: ## format, clippy, documentation, shell scripts
	@tools/lint.sh

screenshots: ## draws the rooms from the real program into assets/
	@tools/screenshots.sh
