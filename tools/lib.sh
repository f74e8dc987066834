# Sourced by the scripts beside it: what is said, what is needed, how long it took.
# shellcheck shell=bash disable=SC2034  # what is set here is used by those who source it

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
sandbox=$root/tests/sandbox/sandbox

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

# part TEXT: announces a part of the work; report prints all parts with their seconds.
parts=() part_name='' part_begun=0
part() {
  part_end
  part_name=$1 part_begun=$SECONDS
  echo "$bold==> $1$plain"
}
part_end() {
  [ -z "$part_name" ] || parts+=("$(printf '%6d s  %s' $((SECONDS - part_begun)) "${part_name%% (*}")")
  part_name=''
}
report() {
  part_end
  echo "$bold==> What each part took$plain"
  printf '%s\n' "${parts[@]}"
}

missing() { echo "floe-tui: $*" >&2; exit 1; }

# at_least HAVE WANT: compares versions.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -1)" = "$2" ]; }

needs_rust() {
  command -v cargo >/dev/null && command -v rustc >/dev/null ||
    missing "needs Rust $rust or newer: install it from https://rustup.rs"
  local have
  have=$(rustc --version | cut -d' ' -f2)
  at_least "$have" "$rust" || missing "needs Rust $rust or newer, found $have: run 'rustup update stable'"
  # ring, the cryptography below TLS, is partly C
  command -v cc >/dev/null || missing "needs a C compiler: install it, on Debian and Ubuntu by: apt-get install gcc libc6-dev"
}
rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

needs_go() {
  command -v go >/dev/null || missing "needs Go 1.26 or newer: install it from https://go.dev/dl/ and put it on PATH"
  local have
  have=$(GOTOOLCHAIN=local go env GOVERSION)
  at_least "${have#go}" 1.26 || missing "needs Go 1.26 or newer, found ${have#go}: install it from https://go.dev/dl/"
}

needs() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null || missing "needs $1: install it, on Debian and Ubuntu by: apt-get install $2"
}

needs_sandbox() { # what the sandbox needs besides a shell
  needs_go
  needs openssl openssl
  needs curl curl
  needs flock util-linux
}

needs_python() { # for the charts' proof, in a virtual environment of its own
  needs python3 python3
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    missing "needs Python 3.10 or newer, found $(python3 --version 2>&1): install it, on Debian and Ubuntu by: apt-get install python3"
  python3 -c 'import venv, ensurepip' 2>/dev/null ||
    missing "needs Python's venv module: install it, on Debian and Ubuntu by: apt-get install python3-venv"
}

# scripts: all shell scripts of the repository.
scripts() {
  git ls-files --cached --others --exclude-standard 2>/dev/null | while read -r file; do
    if [ -f "$file" ] && { [[ $file == *.sh ]] || head -c 64 "$file" | grep -qaE '^#!.*\b(ba)?sh\b'; }; then echo "$file"; fi
  done
}
