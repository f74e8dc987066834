# The namespace that the application's workers poll. Every step may be repeated.
set -eu
deadline=$(($(date +%s) + WAIT_TIMEOUT_SECONDS))
until said=$(temporal operator cluster health 2>&1); do
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "ERROR: Temporal at $TEMPORAL_ADDRESS was not serving within $WAIT_TIMEOUT_SECONDS s: $said" >&2
    exit 1
  fi
  sleep 1
done
if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
  echo "Namespace $TEMPORAL_NAMESPACE exists."
else
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$TEMPORAL_RETENTION"
fi
