{{/*
An init container that waits until targets accept connections, and fails with the reason when the time is over. A target is
name=host:port, or the name of a service whose address is in DATASPOKE_<NAME>_HOST and _PORT.
(dict "context" $ "targets" (list "postgres") "envFrom" true)
*/}}
{{- define "dataspoke.waitContainer" -}}
{{- $wait := .context.Values.global.dataspoke.wait }}
- name: wait
  {{- include "dataspoke.containerImage" (dict "context" .context "image" $wait.image) | nindent 2 }}
  command: [bash, -c]
  args:
    - |
      {{- include "dataspoke.waitScript" . | nindent 6 }}
  {{- if .envFrom }}
  envFrom:
    - configMapRef:
        name: {{ include "dataspoke.configMapName" .context | quote }}
  {{- end }}
  env:
    - name: WAIT_FOR
      value: {{ join " " .targets | quote }}
    - name: WAIT_TIMEOUT_SECONDS
      value: {{ $wait.timeoutSeconds | quote }}
  resources:
    {{- toYaml $wait.resources | nindent 4 }}
  securityContext:
    {{- include "dataspoke.containerSecurityContext" .context | nindent 4 }}
{{- end }}

{{- define "dataspoke.waitScript" -}}
set -u
deadline=$((SECONDS + WAIT_TIMEOUT_SECONDS))
for target in $WAIT_FOR; do
  name=${target%%=*}
  address=${target#*=}
  if [ "$name" = "$target" ]; then
    host=DATASPOKE_${name^^}_HOST
    port=DATASPOKE_${name^^}_PORT
    [ "$name" = qdrant ] && port=DATASPOKE_QDRANT_HTTP_PORT
    if [ -z "${!host:-}" ] || [ -z "${!port:-}" ]; then
      echo "ERROR: $host and $port are not both in the application's ConfigMap; set config.$name.host and its port." >&2
      exit 1
    fi
    address=${!host}:${!port}
  fi
  until timeout 2 bash -c "exec 3<>/dev/tcp/${address%:*}/${address##*:}" 2>/dev/null; do
    if [ "$SECONDS" -ge "$deadline" ]; then
      echo "ERROR: $name at $address accepted no connection within $WAIT_TIMEOUT_SECONDS s." >&2
      echo "See whether its pod runs, whether the address is right, and whether a NetworkPolicy is in the way;" >&2
      echo "global.dataspoke.wait.timeoutSeconds is the time to wait." >&2
      exit 1
    fi
    sleep 1
  done
  echo "$name at $address accepts connections."
done
{{- end }}

{{/*
A pod of helm test. A Pod rather than a Job, so that helm test --logs finds it.
(dict "context" $ "component" "test-api" "image" … "shell" "bash" "script" "…" "env" (list …) "secretEnv" "yaml" "user" 999)
*/}}
{{- define "dataspoke.testPod" -}}
{{- $wait := .context.Values.global.dataspoke.wait }}
{{- $tests := .context.Values.global.dataspoke.tests }}
apiVersion: v1
kind: Pod
metadata:
  name: {{ include "dataspoke.componentName" (dict "context" .context "component" .component) }}
  namespace: {{ .context.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" . | nindent 4 }}
    {{- with $tests.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
    {{- with $tests.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  restartPolicy: Never
  activeDeadlineSeconds: {{ add $tests.timeoutSeconds 60 }}
  {{- include "dataspoke.podSpec" (dict "context" .context "component" .component "values" dict "user" (default 999 .user) "group" (default 999 .user)) | nindent 2 }}
  containers:
    - name: test
      {{- include "dataspoke.containerImage" (dict "context" .context "image" (default $wait.image .image)) | nindent 6 }}
      command: [{{ default "bash" .shell }}, -c]
      args:
        - |
          {{- .script | nindent 10 }}
      {{- with .envFrom }}
      envFrom:
        {{- . | nindent 8 }}
      {{- end }}
      env:
        - name: TEST_TIMEOUT_SECONDS
          value: {{ $tests.timeoutSeconds | quote }}
        {{- range .env }}
        - name: {{ .name }}
          value: {{ .value | quote }}
        {{- end }}
        {{- with .secretEnv }}
        {{- . | nindent 8 }}
        {{- end }}
      resources:
        {{- toYaml $tests.resources | nindent 8 }}
      securityContext:
        {{- include "dataspoke.containerSecurityContext" .context | nindent 8 }}
      volumeMounts:
        - name: tmp
          mountPath: /tmp
  volumes:
    - name: tmp
      emptyDir: {}
{{- end }}

{{/* GET $TEST_URL_PATH of $TEST_HOST:$TEST_PORT until it answers 2xx or 3xx. */}}
{{- define "dataspoke.httpTestScript" -}}
set -u
deadline=$((SECONDS + TEST_TIMEOUT_SECONDS))
answer="no connection"
get() {
  exec 3<>"/dev/tcp/$TEST_HOST/$TEST_PORT" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n' "$TEST_PATH" "$TEST_HOST" >&3
  IFS= read -r -t 5 answer <&3 || answer="no answer"
  exec 3>&-
  [[ $answer =~ ^HTTP/1\.[01]\ [23] ]]
}
until get 2>/dev/null; do
  if [ "$SECONDS" -ge "$deadline" ]; then
    echo "FAILED: GET http://$TEST_HOST:$TEST_PORT$TEST_PATH within $TEST_TIMEOUT_SECONDS s: ${answer%$'\r'}" >&2
    exit 1
  fi
  sleep 1
done
echo "ok: GET http://$TEST_HOST:$TEST_PORT$TEST_PATH: ${answer%$'\r'}"
{{- end }}
