#!/usr/bin/env bash
# older-helms.sh: builds the helms whose rendering is compared beside the newest two, prints "VERSION PROGRAM" for each.
# Apart from build.sh, because only the full proof needs them: about a minute each the first time.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { echo "sandbox: $*" >&2; }
command -v go >/dev/null || { say "needs Go 1.26 or newer: install it from https://go.dev/dl/ and put it on PATH"; exit 1; }
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-trimpath GOWORK=off
unset GOOS GOARCH GOBIN
# shellcheck source=tests/sandbox/versions
source "$here/versions"
place=${FLOE_SANDBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/floe-tui/sandbox}/helms-$(go env GOVERSION)
mkdir -p "$place"
exec 8>"$place/.lock"
flock --nonblock 8 || { say "another build is running, waiting for it"; flock 8; }
part=$(mktemp -d "$place/.part.XXXXXX")
trap 'rm -rf "$part"' EXIT
begun=$SECONDS
# VERSION=KUBERNETES, the minor version that this helm's client library is of.
for pair in $older_helms; do
  version=${pair%=*} minor=${pair#*=}
  if [ ! -x "$place/$version/helm" ]; then
    say "building helm $version (about 1 minute)"
    module=helm.sh/helm/${version%%.*}
    flags="-s -w -X $module/internal/version.version=$version -X $module/internal/version.gitTreeState=clean"
    for package in pkg/lint/rules pkg/chartutil; do # what helm 3 takes for granted without a cluster
      flags+=" -X $module/$package.k8sVersionMajor=1 -X $module/$package.k8sVersionMinor=$minor"
    done
    GOTMPDIR=$part GOBIN=$part go install -ldflags "$flags" "$module/cmd/helm@$version" 8>&-
    mkdir -p "$place/$version" && mv "$part/helm" "$place/$version/helm"
  fi
  echo "$version $place/$version/helm"
done
say "older helms: $((SECONDS - begun)) s"
