{{/*
Init containers that wait. All are bounded by wait.timeoutSeconds and say at the bound what to look at. They use
PostgreSQL's image, which has pg_isready and bash.
*/}}

{{/*
Waits for PostgreSQL, then sees that the component's database exists and lets its user in. A missing one is made: the
script in docker-entrypoint-initdb.d runs on an empty volume only, and components come later than volumes.
(dict "context" $ "database" "polaris" "hint" "...") - the hint is one more line for this place.
*/}}
{{- define "floe-platform.waitForDatabase" -}}
- name: wait-for-postgresql
  {{- include "floe-platform.waitContainer" .context | nindent 2 }}
  command:
    - sh
    - -ec
    - |
      waited=0
      until pg_isready --quiet --timeout=5; do
        if [ "$waited" -ge "$WAIT_SECONDS" ]; then
          echo "PostgreSQL at $PGHOST:$PGPORT did not accept connections within ${WAIT_SECONDS} s." >&2
          echo "Look at its pods and at network policies, or raise wait.timeoutSeconds." >&2
          {{- with .hint }}
          echo {{ . | squote }} >&2
          {{- end }}
          exit 1
        fi
        sleep "$WAIT_INTERVAL"
        waited=$((waited + WAIT_INTERVAL))
      done
      echo "PostgreSQL at $PGHOST:$PGPORT accepts connections (after ${waited} s)."
      opens() { psql --no-psqlrc --no-password --quiet --tuples-only --command='SELECT' >/dev/null; }
      if ! opens && ! createdb --no-password "$PGDATABASE" && ! opens; then
        echo "$PGUSER could neither open nor create database $PGDATABASE. Look at the lines above and at the Secret." >&2
        exit 1
      fi
  env:
    {{- include "floe-platform.pgEnv" .context | nindent 4 }}
    - name: PGDATABASE
      value: {{ .database | quote }}
    {{- include "floe-platform.passwordEnv" (dict "context" .context "name" "PGPASSWORD") | nindent 4 }}
    {{- include "floe-platform.waitEnv" .context | nindent 4 }}
{{- end }}

{{/* Waits for a port to open. (dict "context" $ "name" "marquez" "host" "floe-marquez" "port" 5000) */}}
{{- define "floe-platform.waitForPort" -}}
- name: wait-for-{{ .name }}
  {{- include "floe-platform.waitContainer" .context | nindent 2 }}
  command:
    - bash
    - -ec
    - |
      waited=0
      until timeout 5 bash -c 'exec 3<>"/dev/tcp/$WAIT_HOST/$WAIT_PORT"' 2>/dev/null; do
        if [ "$waited" -ge "$WAIT_SECONDS" ]; then
          echo "{{ .name }} at $WAIT_HOST:$WAIT_PORT did not accept connections within ${WAIT_SECONDS} s." >&2
          echo "Look at its pods and at network policies, or raise wait.timeoutSeconds." >&2
          exit 1
        fi
        sleep "$WAIT_INTERVAL"
        waited=$((waited + WAIT_INTERVAL))
      done
      echo "{{ .name }} at $WAIT_HOST:$WAIT_PORT accepts connections (after ${waited} s)."
  env:
    - name: WAIT_HOST
      value: {{ .host | quote }}
    - name: WAIT_PORT
      value: {{ .port | quote }}
    {{- include "floe-platform.waitEnv" .context | nindent 4 }}
{{- end }}

{{- define "floe-platform.waitContainer" -}}
image: {{ include "floe-platform.image" (dict "context" . "image" .Values.postgresql.image) | quote }}
imagePullPolicy: {{ .Values.postgresql.image.pullPolicy }}
resources:
  {{- toYaml .Values.wait.resources | nindent 2 }}
securityContext:
  runAsUser: 999
  runAsGroup: 999
  {{- include "floe-platform.containerSecurityContext" . | nindent 2 }}
{{- end }}

{{- define "floe-platform.waitEnv" -}}
- name: WAIT_SECONDS
  value: {{ .Values.wait.timeoutSeconds | quote }}
- name: WAIT_INTERVAL
  value: {{ .Values.wait.intervalSeconds | quote }}
{{- end }}
