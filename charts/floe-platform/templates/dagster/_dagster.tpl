{{- define "floe-platform.dagsterServiceAccountName" -}}
{{- if .Values.dagster.serviceAccount.create }}
{{- default (include "floe-platform.componentName" (dict "context" . "component" "dagster")) .Values.dagster.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.dagster.serviceAccount.name }}
{{- end }}
{{- end }}

{{/*
dagster.yaml, used by the instance ConfigMap and by the migration hook's own copy. Pods carry the hash of this text, not of
the whole ConfigMap: its labels name the chart version, and that alone should restart nothing.
*/}}
{{- define "floe-platform.dagsterYaml" -}}
{{- $params := .Values.dagster.databaseParams }}
{{- if not .Values.postgresql.enabled }}
{{- $params = merge dict $params (dict "sslmode" .Values.externalPostgresql.sslMode) }}
{{- end -}}
storage:
  postgres:
    postgres_db:
      username: {{ include "floe-platform.databaseUser" . | quote }}
      password:
        env: DAGSTER_PG_PASSWORD
      hostname: {{ include "floe-platform.databaseHost" . | quote }}
      db_name: {{ .Values.dagster.database | quote }}
      port: {{ include "floe-platform.databasePort" . }}
      params: {{ $params | toJson }}
run_launcher:
  module: dagster_k8s
  class: K8sRunLauncher
  config:
    job_namespace: {{ .Release.Namespace }}
    service_account_name: {{ include "floe-platform.dagsterServiceAccountName" . }}
    instance_config_map: {{ include "floe-platform.dagsterInstanceName" . }}
    postgres_password_secret: {{ include "floe-platform.databaseSecret" . }}
    dagster_home: /opt/dagster/dagster_home
    image_pull_policy: {{ .Values.dagster.image.pullPolicy }}
    {{- with .Values.global.imagePullSecrets }}
    image_pull_secrets:
      {{- range . }}
      - name: {{ . | quote }}
      {{- end }}
    {{- end }}
    {{- with include "floe-platform.telemetryVariables" . | fromYaml }}
    env_vars:
      {{- range $name, $value := . }}
      - {{ printf "%s=%s" $name $value | quote }}
      {{- end }}
    {{- end }}
    run_k8s_config:
      pod_template_spec_metadata:
        labels:
          {{- include "floe-platform.runLabels" . | nindent 10 }}
        {{- $annotations := merge dict .Values.dagster.runs.podAnnotations (include "floe-platform.meshAnnotations" (dict "context" . "job" true) | fromYaml) }}
        {{- with $annotations }}
        annotations:
          {{- toYaml . | nindent 10 }}
        {{- end }}
      pod_spec_config:
        security_context:
          run_as_non_root: true
          run_as_user: 1000
          run_as_group: 1000
          fs_group: 1000
          seccomp_profile:
            type: RuntimeDefault
        volumes:
          - name: dagster-home
            empty_dir: {}
          - name: tmp
            empty_dir: {}
      container_config:
        resources:
          {{- include "floe-platform.resources" (dict "context" . "row" "jobs" "resources" .Values.dagster.runs.resources) | nindent 10 }}
        security_context:
          allow_privilege_escalation: false
          read_only_root_filesystem: true
          capabilities:
            drop: [ALL]
        volume_mounts:
          - name: dagster-home
            mount_path: /opt/dagster/dagster_home
          - name: tmp
            mount_path: /tmp
      job_spec_config:
        ttl_seconds_after_finished: {{ .Values.dagster.runs.ttlSecondsAfterFinished }}
concurrency:
  runs:
    max_concurrent_runs: {{ .Values.dagster.runs.maxConcurrent }}
run_monitoring:
  enabled: true
run_retries:
  enabled: {{ gt (int .Values.dagster.runs.maxRetries) 0 }}
  max_retries: {{ .Values.dagster.runs.maxRetries }}
retention:
  schedule:
    purge_after_days: {{ .Values.dagster.tickRetentionDays }}
  sensor:
    purge_after_days: {{ .Values.dagster.tickRetentionDays }}
python_logs:
  python_log_level: {{ .Values.dagster.logLevel | upper }}
telemetry:
  enabled: {{ .Values.dagster.telemetry }}
{{- end }}

{{/* Labels of run pods: Dagster makes them, so they carry none of the selector labels. */}}
{{- define "floe-platform.runLabels" -}}
floe.dev/release: {{ .Release.Name }}
{{- with .Values.global.environment }}
floe.dev/environment: {{ . | quote }}
{{- end }}
{{- with include "floe-platform.meshLabels" (dict "context" . "job" true) }}
{{ . | trim }}
{{- end }}
{{- with .Values.dagster.runs.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Name of one code location's objects. (dict "context" $ "location" "orders") */}}
{{- define "floe-platform.userCodeName" -}}
{{- include "floe-platform.componentName" (dict "context" .context "component" (printf "code-%s" .location)) }}
{{- end }}

{{/* Names of the release's own code locations, separated by spaces. */}}
{{- define "floe-platform.codeLocations" -}}
{{- $names := list }}
{{- range .Values.dagster.userCode.deployments }}{{ $names = append $names .name }}{{ end }}
{{- join " " $names }}
{{- end }}

{{- define "floe-platform.workspaceYaml" -}}
{{- $servers := list }}
{{- range .Values.dagster.userCode.deployments }}
{{- $servers = append $servers (dict "host" (include "floe-platform.userCodeName" (dict "context" $ "location" .name)) "port" 3030 "name" .name) }}
{{- end }}
{{- with concat $servers .Values.dagster.workspace.servers }}
load_from:
  {{- range . }}
  - grpc_server:
      host: {{ .host | quote }}
      port: {{ .port }}
      location_name: {{ default .host .name | quote }}
  {{- end }}
{{- else }}
load_from: []
{{- end }}
{{- end }}

{{- define "floe-platform.dagsterEnv" -}}
- name: DAGSTER_HOME
  value: /opt/dagster/dagster_home
{{ include "floe-platform.passwordEnv" (dict "context" . "name" "DAGSTER_PG_PASSWORD") }}
{{- range $name, $value := include "floe-platform.telemetryVariables" . | fromYaml }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- with .Values.dagster.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* DAGSTER_HOME must be writable, so the configuration is a file laid over an empty folder. */}}
{{- define "floe-platform.dagsterMounts" -}}
- name: dagster-home
  mountPath: /opt/dagster/dagster_home
- name: dagster-instance
  mountPath: /opt/dagster/dagster_home/dagster.yaml
  subPath: dagster.yaml
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end }}

{{/* (dict "configMap" "name") */}}
{{- define "floe-platform.dagsterVolumes" -}}
- name: dagster-home
  emptyDir: {}
- name: dagster-instance
  configMap:
    name: {{ .configMap }}
- name: tmp
  emptyDir: {}
{{- end }}

{{/* What webserver and daemon share: mounts and volumes with the workspace. A folder, not a single file: edits of that
ConfigMap reach the running pod. */}}
{{- define "floe-platform.dagsterServerMounts" -}}
{{ include "floe-platform.dagsterMounts" . }}
- name: dagster-workspace
  mountPath: /dagster-workspace
  readOnly: true
{{- end }}
{{- define "floe-platform.dagsterServerVolumes" -}}
{{ include "floe-platform.dagsterVolumes" (dict "configMap" (include "floe-platform.dagsterInstanceName" .)) }}
- name: dagster-workspace
  configMap:
    name: {{ include "floe-platform.componentName" (dict "context" . "component" "dagster-workspace") }}
{{- end }}
{{- define "floe-platform.dagsterChecksums" -}}
dagster-instance: {{ include "floe-platform.dagsterYaml" . | quote }}
dagster-workspace: {{ include "floe-platform.workspaceYaml" . | quote }}
{{- end }}
