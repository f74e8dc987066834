#!/usr/bin/env bash
# Installs or upgrades DataSpoke's development infrastructure: the chart charts/dataspoke with its development profile, in
# the cluster of kubectl's current context. Secrets come from dev_env/.env (see dev_env/.env.example). May be repeated.
# Environment: HELM, KUBECTL (programs to use), DATASPOKE_DEV_ENV_FILE (instead of dev_env/.env), DATASPOKE_DEV_TIMEOUT (5m).
set -euo pipefail

SCRIPT_DIR="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ENV_FILE="${DATASPOKE_DEV_ENV_FILE:-$SCRIPT_DIR/../.env}"
CHART_DIR="$(cd "$SCRIPT_DIR/../../charts/dataspoke" && pwd)"
HELM="${HELM:-helm}"
KUBECTL="${KUBECTL:-kubectl}"
RELEASE=dataspoke

die() {
  echo "install.sh: $*" >&2
  exit 1
}

for program in "$HELM" "$KUBECTL"; do
  command -v "$program" >/dev/null || die "$program was not found; install it, or name it by HELM or KUBECTL"
done
[ -f "$ENV_FILE" ] || die "$ENV_FILE does not exist; copy dev_env/.env.example to dev_env/.env and fill it in"
# shellcheck source=/dev/null
source "$ENV_FILE"

NAMESPACE="${DATASPOKE_DEV_KUBE_DATASPOKE_NAMESPACE:-}"
for name in DATASPOKE_DEV_KUBE_DATASPOKE_NAMESPACE DATASPOKE_POSTGRES_USER DATASPOKE_POSTGRES_PASSWORD \
  DATASPOKE_POSTGRES_DB DATASPOKE_REDIS_PASSWORD DATASPOKE_QDRANT_API_KEY; do
  [ -n "${!name:-}" ] || die "$name is empty or missing in $ENV_FILE"
  case "${!name}" in *$'\n'*) die "$name in $ENV_FILE must be one line" ;; esac
done
case "$DATASPOKE_POSTGRES_PASSWORD" in *[[:space:]\"\\]*)
  die "DATASPOKE_POSTGRES_PASSWORD may hold no space, \" or \\: Temporal could not connect with it"
  ;; esac

apply() { "$KUBECTL" apply --namespace "$NAMESPACE" --filename -; }

# secret NAME KEY VARIABLE...: by standard input, so that no value is seen in the list of processes.
secret() {
  local name=$1
  shift
  local lines=""
  while [ $# -gt 0 ]; do
    lines+="$1=${!2}"$'\n'
    shift 2
  done
  printf '%s' "$lines" |
    "$KUBECTL" create secret generic "$name" --namespace "$NAMESPACE" --from-env-file=/dev/stdin \
      --dry-run=client --output yaml | apply
}

echo "==> Context $("$KUBECTL" config current-context), namespace $NAMESPACE"
"$KUBECTL" get namespace "$NAMESPACE" >/dev/null 2>&1 || "$KUBECTL" create namespace "$NAMESPACE"

echo "==> Secrets from $(basename "$ENV_FILE")"
secret dataspoke-postgres-secret POSTGRES_USER DATASPOKE_POSTGRES_USER \
  POSTGRES_PASSWORD DATASPOKE_POSTGRES_PASSWORD POSTGRES_DB DATASPOKE_POSTGRES_DB
secret dataspoke-redis-secret REDIS_PASSWORD DATASPOKE_REDIS_PASSWORD
secret dataspoke-qdrant-secret QDRANT_API_KEY DATASPOKE_QDRANT_API_KEY

echo "==> Chart with the development profile"
"$HELM" dependency build --skip-refresh "$CHART_DIR" >/dev/null
"$HELM" upgrade --install "$RELEASE" "$CHART_DIR" \
  --values "$CHART_DIR/values-dev.yaml" \
  --namespace "$NAMESPACE" \
  --set postgresql.auth.existingSecret=dataspoke-postgres-secret \
  --set temporal.persistence.existingSecret=dataspoke-postgres-secret \
  --set redis.auth.existingSecret=dataspoke-redis-secret \
  --set qdrant.auth.existingSecret=dataspoke-qdrant-secret \
  --timeout "${DATASPOKE_DEV_TIMEOUT:-5m}" --wait
