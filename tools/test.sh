#!/usr/bin/env bash
# Every test: the charts with both helms, the sandbox itself, the program. Ends with the test runner's own count.
# Cold this builds helm 3 and 4, etcd, Kubernetes and kwok from Go modules; afterwards they come from the user's cache.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs_rust
needs_sandbox
needs_python

part "Building helm 3 and 4, the control plane and chart tools from Go modules (12 minutes the first time)"
bin=$("$sandbox" build all | tail -1)

part "Building the program and its tests (3 minutes the first time)"
cargo test --locked --no-run --quiet

if [ "${CHARTS_PROOF:-quick}" = full ]; then
  part "Charts: everything, on control planes and with real programs (20 minutes)"
  FLOE_TEST_BIN=$bin tests/charts/run
else
  part "Charts: every values file and combination of switches, schemas, suites, documents (4 minutes)"
  FLOE_TEST_BIN=$bin tests/charts/run --quick
fi

if [ -x tests/sandbox/selftest.sh ]; then
  part "Sandbox: start, stop, interruption, two copies, simulated faults (3 minutes)"
  tests/sandbox/selftest.sh
fi

# The dice of property tests fall as they fell before: a run judges the change. PROPTEST_RNG_SEED=<another> looks further.
export PROPTEST_RNG_SEED=${PROPTEST_RNG_SEED:-1}

part "Tests (5 minutes)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
# Most of the time tests wait for clusters, not for processors.
export RUST_TEST_THREADS=${RUST_TEST_THREADS:-$(($(nproc) > 2 ? $(nproc) : 4))}
cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$log" || status=$?
report
echo "$bold==> Count$plain"
grep -E '^( *Running |   Doc-tests|test result:)' "$log" | sed 's/^ *//'
exit "$status"
