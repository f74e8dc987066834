#!/usr/bin/env bash
# The main job on an embedded default: builds floe-tui, starts two Kubernetes control planes on this machine, and opens
# floe-tui on charts/. Without a terminal it does the same job headless and prints what it did.
# Everything it makes outside of target/ lives in FLOE_SANDBOX_DIR and goes with: tests/sandbox/sandbox reset
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs_rust
needs_sandbox
cache=${XDG_CACHE_HOME:-$HOME/.cache}
export FLOE_SANDBOX_DIR=${FLOE_SANDBOX_DIR:-$cache/floe-tui/sandbox/run}

part "Building floe-tui (4 minutes the first time)"
cargo build --locked --release
floe=${CARGO_TARGET_DIR:-target}/release/floe-tui

part "Building helm, etcd, Kubernetes and kwok from Go modules (10 minutes the first time)"
bin=$("$sandbox" build core | tail -1)
helm=$bin/helm4/helm

part "Starting the control planes nonprod and prod on this machine (10 s, about 1 GB of memory)"
kubeconfig=$("$sandbox" up | tail -1)

part "Building the charts' dependencies"
for lock in charts/*/Chart.lock; do
  chart=$(dirname "$lock")
  echo "helm dependency build $chart"
  "$helm" dependency build --skip-refresh "$chart"
done

# The demo's own folders: your configuration, pins and journal are not touched.
mine=$FLOE_SANDBOX_DIR/floe-tui
for folder in config state cache runtime; do
  mkdir -p "$mine/$folder"
  declare -x "FLOE_TUI_${folder^^}_DIR=$mine/$folder"
done
chmod 700 "$mine" "$mine"/*
[ -e "$mine/config/config.toml" ] || cat >"$mine/config/config.toml" <<'CONFIG'
# Shared names of clusters to the contexts of the sandbox's deployers.
[clusters]
aks-shared-nonprod = "nonprod-deployer"
aks-shared-prod = "prod-deployer"
CONFIG
options=(--kubeconfig "$kubeconfig" --helm "$helm")

if [ -t 0 ] && [ -t 1 ]; then
  part_end
  echo "==> Opening floe-tui on charts/ (q leaves; 'make demo-down' ends the control planes)"
  status=0
  "$floe" charts "${options[@]}" || status=$?
  echo "The control planes still run: 'make demo' comes back, 'make demo-down' ends them."
  exit "$status"
fi

# run WORD...: shows the command, runs it; exit 2 (changes) is an answer, not a failure.
run() {
  echo "\$ floe-tui $*"
  local status=0
  "$floe" "$@" "${options[@]}" || status=$?
  [ $status -eq 0 ] || [ $status -eq 2 ] || missing "floe-tui $1 ended with $status"
}

part "Validating values against schemas, and the cluster mapping"
run validate charts
for environment in qa uat staging prod; do
  part "What $environment has that dev has not"
  run diff charts --env "$environment" --against dev
done
operation=install
if "$helm" status floe-platform --kubeconfig "$kubeconfig" --kube-context nonprod-deployer --namespace floe-dev >/dev/null 2>&1; then
  operation=upgrade # an earlier demo left it
fi
part "Planning the $operation of dev"
run plan charts --env dev --operation "$operation"
part "Doing it: $operation of dev (a minute)"
run apply charts --env dev --operation "$operation" --yes
part "Health of every component"
run status charts --env dev
part "Running the chart's tests"
run apply charts --env dev --operation test --yes
part "The result as data"
run status charts --env dev --json
report
echo "Done: dev is ${operation%e}ed, healthy and tested. 'make demo' in a terminal shows it; 'make demo-down' ends the control planes."
