{{- define "dataspoke.temporal.databaseHost" -}}
{{- default (include "dataspoke.postgresqlName" .) .Values.persistence.host }}
{{- end }}
{{- define "dataspoke.temporal.secretName" -}}
{{- default (include "dataspoke.componentName" (dict "context" . "component" "postgresql")) .Values.persistence.existingSecret }}
{{- end }}
{{- define "dataspoke.temporal.address" -}}
{{- printf "%s:7233" (include "dataspoke.temporalName" .) }}
{{- end }}
{{- define "dataspoke.temporal.image" -}}
{{- include "dataspoke.containerImage" (dict "context" . "image" .Values.image) }}
{{- end }}
{{- define "dataspoke.temporal.adminImage" -}}
{{- include "dataspoke.containerImage" (dict "context" . "image" .Values.admintools.image) }}
{{- end }}

{{/*
A Job's name ends in the digest of what it does: a Job cannot be changed, so another task is another Job, and the same task
is left alone by an upgrade.
(dict "context" $ "task" "schema" "spec" "yaml")
*/}}
{{- define "dataspoke.temporal.jobName" -}}
{{- include "dataspoke.componentName" (dict "context" .context "component" (printf "temporal-%s-%s" .task (.spec | sha256sum | trunc 8))) }}
{{- end }}
{{- define "dataspoke.temporal.job" -}}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "dataspoke.temporal.jobName" . }}
  namespace: {{ .context.Release.Namespace }}
  labels:
    {{- include "dataspoke.labels" (dict "context" .context "component" (printf "temporal-%s" .task)) | nindent 4 }}
spec:
  {{- .spec | nindent 2 }}
{{- end }}

{{- define "dataspoke.temporal.schemaJobSpec" -}}
{{- $self := dict "context" . "component" "temporal-schema" "values" .Values.schema "labels" .Values.schema.podLabels "annotations" .Values.schema.podAnnotations "user" 1000 "group" 1000 }}
{{- with .Values.schema }}
backoffLimit: {{ .backoffLimit }}
activeDeadlineSeconds: {{ .activeDeadlineSeconds }}
template:
  metadata:
    labels:
      {{- include "dataspoke.podLabels" $self | nindent 6 }}
    {{- with .podAnnotations }}
    annotations:
      {{- tpl (toYaml .) $ | nindent 6 }}
    {{- end }}
  spec:
    restartPolicy: Never
    {{- include "dataspoke.podSpec" $self | nindent 4 }}
    initContainers:
      {{- include "dataspoke.waitContainer" (dict "context" $ "targets" (list (printf "postgresql=%s:%v" (include "dataspoke.temporal.databaseHost" $) $.Values.persistence.port))) | nindent 6 }}
    containers:
      - name: schema
        {{- include "dataspoke.temporal.adminImage" $ | nindent 8 }}
        command: [sh, -c]
        args:
          - |
            {{- $.Files.Get "files/schema.sh" | nindent 12 }}
        env:
          {{- include "dataspoke.postgresEnv" (dict "secret" (include "dataspoke.temporal.secretName" $) "keys" $.Values.persistence.secretKeys "user" "SQL_USER" "password" "SQL_PASSWORD") | nindent 10 }}
          - name: SQL_PLUGIN
            value: postgres12
          - name: SQL_HOST
            value: {{ include "dataspoke.temporal.databaseHost" $ | quote }}
          - name: SQL_PORT
            value: {{ $.Values.persistence.port | quote }}
          - name: SQL_TLS
            value: {{ $.Values.persistence.tls | quote }}
          - name: TEMPORAL_DATABASE
            value: {{ $.Values.persistence.database | quote }}
          - name: TEMPORAL_VISIBILITY_DATABASE
            value: {{ $.Values.persistence.visibilityDatabase | quote }}
          - name: MAINTENANCE_DATABASE
            value: {{ .maintenanceDatabase | quote }}
          - name: SCHEMA_DIRECTORY
            value: {{ .directory | quote }}
        resources:
          {{- toYaml .resources | nindent 10 }}
        securityContext:
          {{- include "dataspoke.containerSecurityContext" $ | nindent 10 }}
        volumeMounts:
          - name: tmp
            mountPath: /tmp
    volumes:
      - name: tmp
        emptyDir: {}
{{- end }}
{{- end }}

{{- define "dataspoke.temporal.namespaceJobSpec" -}}
{{- $self := dict "context" . "component" "temporal-namespace" "values" .Values.schema "labels" .Values.schema.podLabels "user" 1000 "group" 1000 }}
{{- with .Values.namespace }}
backoffLimit: {{ $.Values.schema.backoffLimit }}
activeDeadlineSeconds: {{ add $.Values.schema.activeDeadlineSeconds $.Values.global.dataspoke.wait.timeoutSeconds }}
template:
  metadata:
    labels:
      {{- include "dataspoke.podLabels" $self | nindent 6 }}
    {{- with $.Values.schema.podAnnotations }}
    annotations:
      {{- tpl (toYaml .) $ | nindent 6 }}
    {{- end }}
  spec:
    restartPolicy: Never
    {{- include "dataspoke.podSpec" $self | nindent 4 }}
    containers:
      - name: namespace
        {{- include "dataspoke.temporal.adminImage" $ | nindent 8 }}
        command: [sh, -c]
        args:
          - |
            {{- $.Files.Get "files/namespace.sh" | nindent 12 }}
        env:
          - name: TEMPORAL_ADDRESS
            value: {{ include "dataspoke.temporal.address" $ | quote }}
          - name: TEMPORAL_NAMESPACE
            value: {{ .name | quote }}
          - name: TEMPORAL_RETENTION
            value: {{ .retention | quote }}
          - name: WAIT_TIMEOUT_SECONDS
            value: {{ $.Values.global.dataspoke.wait.timeoutSeconds | quote }}
          # The command line tool looks for its settings there.
          - name: HOME
            value: /tmp
        resources:
          {{- toYaml $.Values.schema.resources | nindent 10 }}
        securityContext:
          {{- include "dataspoke.containerSecurityContext" $ | nindent 10 }}
        volumeMounts:
          - name: tmp
            mountPath: /tmp
    volumes:
      - name: tmp
        emptyDir: {}
{{- end }}
{{- end }}
