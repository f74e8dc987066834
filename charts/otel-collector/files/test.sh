# Sends an empty batch of traces to the collector, at most TEST_TIMEOUT_SECONDS long. PROTOCOL is grpc or http.
begun=$(date +%s)
try() {
  case $PROTOCOL in
    http) wget -q -T 5 -O /dev/null --header 'Content-Type: application/json' --post-data '{"resourceSpans":[]}' "http://$COLLECTOR:4318/v1/traces" ;;
    *) nc -z -w 5 "$COLLECTOR" 4317 ;;
  esac
}
until said=$(try 2>&1); do
  if [ $(($(date +%s) - begun)) -ge "$TEST_TIMEOUT_SECONDS" ]; then
    echo "$COLLECTOR takes no OTLP over $PROTOCOL: ${said:-no connection}" >&2
    echo "Look at its pods and their log, at its Service and at network policies." >&2
    exit 1
  fi
  sleep 2
done
echo "$COLLECTOR takes OTLP over $PROTOCOL"
