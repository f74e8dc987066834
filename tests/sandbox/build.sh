#!/usr/bin/env bash
# build.sh [core|all]: builds the sandbox's programs from Go modules and prints the folder that holds them.
#   core  helm 3 and 4, etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl, kwok, nodelogs
#   all   also the chart tools: helm-unittest, kubeconform, registry, helm-docs
# What exists is not built again. The folder's name is a hash of what decides the bytes: `versions`, the go.mod and go.sum
# files, and the Go release - so editing the scripts costs nothing. FLOE_SANDBOX_CACHE moves it.
# Each program is built beside its place and moved there whole: an interrupted build leaves no half program.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
what=${1:-all}
case $what in core | all) ;; *) echo "build.sh: core or all, not '$what'" >&2; exit 64 ;; esac
say() { echo "sandbox: $*" >&2; }

command -v go >/dev/null || { say "needs Go 1.26 or newer: install it from https://go.dev/dl/ and put it on PATH"; exit 1; }
# The toolchain on PATH builds, never one that Go would fetch by itself: the hash below must name what ran.
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-trimpath GOWORK=off
unset GOOS GOARCH GOBIN
go_release=$(go env GOVERSION)
if [[ ! $go_release =~ ^go1\.([0-9]+) ]] || ((BASH_REMATCH[1] < 26)); then
  say "needs Go 1.26 or newer, found $go_release: install a newer one from https://go.dev/dl/"; exit 1
fi

# shellcheck source=tests/sandbox/versions
source "$here/versions"
grep -q "k8s.io/client-go => k8s.io/client-go v0.${kube#v1.}\$" "$here/controlplane/go.mod" ||
  { say "versions says Kubernetes $kube, controlplane/go.mod another: change both"; exit 1; }

key=$({ grep -v '^#' "$here/versions"; cat "$here"/controlplane/go.{mod,sum} "$here"/chart-tools/go.{mod,sum}; go version; } | sha256sum | cut -c1-16)
bin=${FLOE_SANDBOX_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/floe-tui/sandbox}/$key
mkdir -p "$bin"
exec 8>"$bin/.lock"
flock --nonblock 8 || { say "another build is running, waiting for it"; flock 8; }
rm -rf "$bin"/.part.* # what an interrupted build left; nobody else builds while we hold the lock
part=$(mktemp -d "$bin/.part.XXXXXX")
export GOTMPDIR=$part # or an interrupt would leave go's own folders behind
child=''
leave() {
  local status=$?
  trap - EXIT
  trap '' INT TERM HUP
  if [ -n "$child" ]; then
    kill -KILL -- "-$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    sleep 0.1 # for what it had started to let go of its files
  fi
  rm -rf "$part"
  exit "$status"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# In a session of its own, so that go's compilers and linkers can be ended with it; in the background and waited for, so that
# a signal is heeded at once instead of after the compiler.
build() {
  setsid "$@" 8>&- &
  child=$!
  wait "$child"
  child=''
}
install_to() { GOBIN=$1 build go install -ldflags "$2" "$3"; } # FOLDER LDFLAGS PACKAGE@VERSION

if [ ! -x "$bin/helm4/helm" ]; then
  say "building helm $helm4 (about 1 minute)"
  module=helm.sh/helm/v4
  install_to "$part" "-s -w -X $module/internal/version.version=$helm4 -X $module/internal/version.gitTreeState=clean" "$module/cmd/helm@$helm4"
  mkdir -p "$bin/helm4" && mv "$part/helm" "$bin/helm4/helm"
fi
if [ ! -x "$bin/helm3/helm" ]; then
  say "building helm $helm3 (about 1 minute)"
  module=helm.sh/helm/v3
  flags="-s -w -X $module/internal/version.version=$helm3 -X $module/internal/version.gitTreeState=clean"
  for package in pkg/lint/rules pkg/chartutil; do # or `helm template` would take Kubernetes v1.20 for granted
    flags+=" -X $module/$package.k8sVersionMajor=1 -X $module/$package.k8sVersionMinor=36"
  done
  install_to "$part" "$flags" "$module/cmd/helm@$helm3"
  mkdir -p "$bin/helm3" && mv "$part/helm" "$bin/helm3/helm"
fi
for program in etcd kube-apiserver kube-controller-manager kube-scheduler kubectl; do
  [ -x "$bin/$program" ] && continue
  say "building Kubernetes $kube: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl (about 5 minutes)"
  flags="-s -w"
  minor=$(cut -d. -f2 <<<"$kube")
  for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do # or they report v0.0.0-master, which charts' kubeVersion refuses
    flags+=" -X $package.gitVersion=$kube -X $package.gitMajor=1 -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
    flags+=" -X $package.gitCommit=unknown -X $package.buildDate=1970-01-01T00:00:00Z"
  done
  build go build -C "$here/controlplane" -tags selinux,notest,grpcnotrace -ldflags "$flags" -o "$part/" tool
  mv "$part/server" "$part/etcd"
  mv "$part"/{etcd,kube-apiserver,kube-controller-manager,kube-scheduler,kubectl} "$bin/"
  break
done
if [ ! -x "$bin/kwok" ]; then
  say "building kwok $kwok (about 1 minute)"
  install_to "$part" "-s -w" "sigs.k8s.io/kwok/cmd/kwok@$kwok"
  mv "$part/kwok" "$bin/"
fi
if [ "$what" = all ] && [ ! -x "$bin/helm-docs" ]; then
  say "building the chart tools: helm-unittest, kubeconform, registry, helm-docs (about 2 minutes)"
  build go build -C "$here/chart-tools" -ldflags "-s -w" -o "$part/" tool
  install_to "$part" "-s -w" "github.com/yannh/kubeconform/cmd/kubeconform@$kubeconform"
  install_to "$part" "-s -w" "github.com/distribution/distribution/v3/cmd/registry@$registry"
  install_to "$part" "-s -w" "github.com/norwoodj/helm-docs/cmd/helm-docs@$helm_docs"
  mv "$part"/{helm-unittest,kubeconform,registry} "$bin/"
  mv "$part/helm-docs" "$bin/" # last, because it stands for all four
fi
echo "$bin"
