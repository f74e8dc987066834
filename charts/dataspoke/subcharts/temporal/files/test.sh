set -eu
deadline=$(($(date +%s) + TEST_TIMEOUT_SECONDS))
until said=$(temporal operator cluster health 2>&1) &&
  said=$(temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" 2>&1); do
  if [ "$(date +%s)" -ge "$deadline" ]; then
    echo "FAILED: Temporal at $TEMPORAL_ADDRESS, namespace $TEMPORAL_NAMESPACE, within $TEST_TIMEOUT_SECONDS s: $said" >&2
    exit 1
  fi
  sleep 1
done
echo "ok: Temporal at $TEMPORAL_ADDRESS serves, namespace $TEMPORAL_NAMESPACE is there"
