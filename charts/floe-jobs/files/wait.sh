# Arguments: host:port of each service. Ends with an error when one does not accept connections in WAIT_SECONDS.
for service in "$@"; do
  host=${service%:*} port=${service##*:}
  begun=$(date +%s)
  until nc -z -w 5 "$host" "$port" 2>/dev/null; do
    waited=$(($(date +%s) - begun))
    if [ "$waited" -ge "$WAIT_SECONDS" ]; then
      echo "$service did not accept connections within ${WAIT_SECONDS} s." >&2
      echo "Look at its pods, its Service and at network policies, or raise wait.timeoutSeconds." >&2
      exit 1
    fi
    sleep "$WAIT_INTERVAL"
  done
  echo "$service accepts connections (after $(($(date +%s) - begun)) s)."
done
