#!/usr/bin/env bash
# Everything that is judged without running it. Warnings are errors.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
needs_rust
cargo fmt --version >/dev/null 2>&1 || missing "needs rustfmt: run 'rustup component add rustfmt'"
cargo clippy --version >/dev/null 2>&1 || missing "needs clippy: run 'rustup component add clippy'"

part "Format (a second)"
cargo fmt --check
part "Clippy (2 minutes the first time)"
cargo clippy --locked --all-targets -- -D warnings
part "Documentation (a minute the first time)"
RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --quiet
part "Shell scripts"
while read -r file; do bash -n "$file"; done < <(scripts)
if command -v shellcheck >/dev/null; then
  scripts | grep -v '^charts/' | xargs -r shellcheck --external-sources --severity=warning
  # What charts mount into containers has no first line of its own.
  scripts | grep '^charts/' | xargs -r shellcheck --shell=bash --severity=warning
else
  echo "shellcheck is not installed: only the syntax was checked"
fi
report
