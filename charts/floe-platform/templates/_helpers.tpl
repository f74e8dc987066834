{{- define "floe-platform.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
The stem of all names: the release's name where it contains the chart's name or is its first part ("floe" of
"floe-platform"), else release and chart.
*/}}
{{- define "floe-platform.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "floe-platform.name" . }}
{{- if or (contains $name .Release.Name) (hasPrefix (printf "%s-" .Release.Name) $name) }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Name of one component's objects. The stem is cut, never the component, so that two components cannot collide.
Pass max 51 for what Kubernetes appends to (StatefulSet, CronJob); the dash comes on top.
(dict "context" $ "component" "retention" "max" 51)
*/}}
{{- define "floe-platform.componentName" -}}
{{- $room := sub (default 62 .max) (len .component) | int }}
{{- printf "%s-%s" (include "floe-platform.fullname" .context | trunc $room | trimSuffix "-") .component }}
{{- end }}

{{- define "floe-platform.webserverName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "dagster-webserver") }}
{{- end }}
{{- define "floe-platform.daemonName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "dagster-daemon") }}
{{- end }}
{{- define "floe-platform.polarisName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "polaris") }}
{{- end }}
{{- define "floe-platform.postgresqlName" -}}
{{- include "floe-platform.componentName" (dict "context" . "component" "postgresql" "max" 51) }}
{{- end }}

{{/* Labels that select; they must never change. (dict "context" $ "component" "polaris") */}}
{{- define "floe-platform.selectorLabels" -}}
app.kubernetes.io/name: {{ include "floe-platform.name" .context }}
app.kubernetes.io/instance: {{ .context.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of objects. */}}
{{- define "floe-platform.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .context.Chart.Name .context.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "floe-platform.selectorLabels" . }}
app.kubernetes.io/version: {{ .context.Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .context.Release.Service }}
app.kubernetes.io/part-of: floe
{{- with .context.Values.global.environment }}
floe.dev/environment: {{ . | quote }}
{{- end }}
{{- with .context.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/*
Labels of pods: without chart and application version, so that a new chart version alone restarts nothing.
(dict "context" $ "component" "polaris" "labels" .Values.polaris.podLabels)
*/}}
{{- define "floe-platform.podLabels" -}}
{{ include "floe-platform.selectorLabels" . }}
app.kubernetes.io/part-of: floe
floe.dev/release: {{ .context.Release.Name }}
{{- with .context.Values.global.environment }}
floe.dev/environment: {{ . | quote }}
{{- end }}
{{- with .labels }}
{{ tpl (toYaml .) $.context }}
{{- end }}
{{- end }}

{{/* Image reference: global registry, then the image's own; digest before tag. (dict "context" $ "image" .Values.x.image) */}}
{{- define "floe-platform.image" -}}
{{- $registry := default .image.registry .context.Values.global.imageRegistry }}
{{- $name := ternary (printf "%s/%s" $registry .image.repository) .image.repository (not (empty $registry)) }}
{{- if .image.digest }}{{ printf "%s@%s" $name .image.digest }}{{ else }}{{ printf "%s:%s" $name .image.tag }}{{ end }}
{{- end }}

{{- define "floe-platform.imagePullSecrets" -}}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "floe-platform.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "floe-platform.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "floe-platform.dagsterServiceAccountName" -}}
{{- if .Values.dagster.serviceAccount.create }}
{{- default (include "floe-platform.componentName" (dict "context" . "component" "dagster")) .Values.dagster.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.dagster.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* Security context that Pod Security "restricted" demands. (dict "user" 1000 "group" 1000) */}}
{{- define "floe-platform.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .user }}
runAsGroup: {{ .group }}
fsGroup: {{ .group }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "floe-platform.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* Where pods go. (dict "context" $ "component" "polaris" "values" .Values.polaris) */}}
{{- define "floe-platform.scheduling" -}}
{{- with .values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- tpl (toYaml .) $.context | nindent 2 }}
{{- end }}
{{- with .values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ toYaml (omit . "labelSelector") | nindent 4 | trim }}
    labelSelector:
      matchLabels:
        {{- include "floe-platform.selectorLabels" $ | nindent 8 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Database: the chart's own, or one that exists. */}}
{{- define "floe-platform.databaseHost" -}}
{{- if .Values.postgresql.enabled }}
{{- include "floe-platform.postgresqlName" . }}
{{- else }}
{{- required "externalPostgresql.host is needed while postgresql.enabled is false" .Values.externalPostgresql.host }}
{{- end }}
{{- end }}
{{- define "floe-platform.databasePort" -}}
{{- ternary 5432 .Values.externalPostgresql.port .Values.postgresql.enabled }}
{{- end }}
{{- define "floe-platform.databaseUser" -}}
{{- ternary .Values.postgresql.auth.username .Values.externalPostgresql.username .Values.postgresql.enabled }}
{{- end }}
{{- define "floe-platform.databaseSecret" -}}
{{- if not .Values.postgresql.enabled }}
{{- required "externalPostgresql.existingSecret is needed while postgresql.enabled is false" .Values.externalPostgresql.existingSecret }}
{{- else }}
{{- default (include "floe-platform.postgresqlName" .) .Values.postgresql.auth.existingSecret }}
{{- end }}
{{- end }}

{{/* Environment for programs of PostgreSQL itself (psql, pg_isready). */}}
{{- define "floe-platform.pgEnv" -}}
- name: PGHOST
  value: {{ include "floe-platform.databaseHost" . | quote }}
- name: PGPORT
  value: {{ include "floe-platform.databasePort" . | quote }}
- name: PGUSER
  value: {{ include "floe-platform.databaseUser" . | quote }}
- name: PGCONNECT_TIMEOUT
  value: "5"
{{- end }}

{{/*
Init container that waits for the database, at most wait.timeoutSeconds, and then says what to look at.
(dict "context" $ "hint" "...") - the hint is an additional last line for this place.
*/}}
{{- define "floe-platform.waitForDatabase" -}}
- name: wait-for-postgresql
  image: {{ include "floe-platform.image" (dict "context" .context "image" .context.Values.postgresql.image) | quote }}
  imagePullPolicy: {{ .context.Values.postgresql.image.pullPolicy }}
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
  env:
    {{- include "floe-platform.pgEnv" .context | nindent 4 }}
    - name: WAIT_SECONDS
      value: {{ .context.Values.wait.timeoutSeconds | quote }}
    - name: WAIT_INTERVAL
      value: {{ .context.Values.wait.intervalSeconds | quote }}
  resources:
    {{- toYaml .context.Values.wait.resources | nindent 4 }}
  securityContext:
    runAsUser: 999
    runAsGroup: 999
    {{- include "floe-platform.containerSecurityContext" .context | nindent 4 }}
{{- end }}

{{/* Endpoint of the collector, empty while it is switched off. */}}
{{- define "floe-platform.otlpEndpoint" -}}
{{- if (index .Values "otel-collector").enabled }}
{{- printf "http://%s:4317" (include "otel-collector.fullname" (index .Subcharts "otel-collector")) }}
{{- else }}
{{- .Values.otlpEndpoint }}
{{- end }}
{{- end }}

{{/* Pods of this release, and the run pods that Dagster starts (they carry floe.dev/release only). */}}
{{- define "floe-platform.ownPods" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/instance: {{ .Release.Name }}
- podSelector:
    matchLabels:
      floe.dev/release: {{ .Release.Name }}
{{- end }}
