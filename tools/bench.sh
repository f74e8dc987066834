#!/usr/bin/env bash
# Measures the budgets as ratios in one run, where another program is the measure; see benches/floe.rs.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs_rust
needs_sandbox
part "Building helm and the control plane from Go modules (10 minutes the first time)"
"$sandbox" build core >/dev/null
part "Building floe-tui optimised (4 minutes the first time)"
cargo bench --locked --bench floe --no-run
part "Measuring (2 minutes)"
cargo bench --locked --quiet --bench floe
