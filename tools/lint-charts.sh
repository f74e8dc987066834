#!/usr/bin/env bash
# lint-charts.sh BIN: every chart with every one of its values files, strictly, with helm 3 and helm 4 of the folder BIN;
# then what it renders must be YAML that both helms agree on.
set -euo pipefail
# shellcheck source=tools/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
bin=${1:?the folder of programs, see tests/sandbox/sandbox build}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
# A copy, because building dependencies writes into the charts' folders.
cp -r charts/. "$copy"
home=$copy/.helm
export HELM_CACHE_HOME=$home HELM_CONFIG_HOME=$home HELM_DATA_HOME=$home
unset KUBECONFIG
failed=0 checked=0
for chart in "$copy"/*/; do
  chart=${chart%/} name=$(basename "$chart")
  if grep -q '^dependencies:' "$chart/Chart.yaml"; then
    rm -rf "$chart/charts"
    "$bin/helm3/helm" dependency build --skip-refresh "$chart" >/dev/null
  fi
  shopt -s nullglob
  for values in "$chart"/values.yaml "$chart"/values-*.yaml "$chart"/ci/*-values.yaml; do
    # values.yaml is always read first; naming it changes nothing, so one loop does
    for helm in helm3 helm4; do
      if ! said=$("$bin/$helm/helm" lint --strict "$chart" -f "$values" 2>&1); then
        printf 'charts/%s with %s, %s:\n%s\n' "$name" "$(basename "$values")" "$helm" "$said"
        failed=1
      fi
      checked=$((checked + 1))
    done
    # Random passwords differ between two renderings and helm 4 keeps more blank lines; nothing else may differ.
    render() { "$bin/$1/helm" template floe "$chart" --namespace lint -f "$values" | grep -vE '^ *(# Source|[a-zA-Z0-9_.-]+: "?[A-Za-z0-9+/=]{16,}"?$)' | sed '/^ *checksum\//d; /^ *$/d'; }
    if ! diff <(render helm3) <(render helm4) >"$copy/diff"; then
      printf 'charts/%s with %s: helm 3 and 4 render different manifests:\n' "$name" "$(basename "$values")"
      head -20 "$copy/diff"
      failed=1
    fi
  done
done
[ $checked -gt 0 ] || { echo "no chart was found in charts/" >&2; exit 1; }
echo "$checked lints of chart, values file and helm version"
exit $failed
