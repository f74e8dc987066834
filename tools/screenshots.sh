#!/usr/bin/env bash
# Draws the rooms from the real program on the sandbox into assets/.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs_rust
needs_sandbox
part "Building helm and the control plane from Go modules (10 minutes the first time)"
"$sandbox" build core >/dev/null
part "Drawing the rooms (2 minutes)"
cargo test --locked --quiet --test it screenshots:: -- --ignored
ls -l assets
