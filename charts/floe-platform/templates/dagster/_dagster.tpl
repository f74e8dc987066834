{{/*
dagster.yaml, used by the instance ConfigMap and by the migration hook's own copy. Pods carry the hash of this text, not of
the whole ConfigMap: its labels name the chart version, and that alone should restart nothing.
*/}}
{{- define "floe-platform.dagsterYaml" -}}
storage:
  postgres:
    postgres_db:
      username: {{ include "floe-platform.databaseUser" . | quote }}
      password:
        env: DAGSTER_PG_PASSWORD
      hostname: {{ include "floe-platform.databaseHost" . | quote }}
      db_name: {{ .Values.dagster.database | quote }}
      port: {{ include "floe-platform.databasePort" . }}
      params: {{ .Values.dagster.databaseParams | toJson }}
run_launcher:
  module: dagster_k8s
  class: K8sRunLauncher
  config:
    job_namespace: {{ .Release.Namespace }}
    service_account_name: {{ include "floe-platform.dagsterServiceAccountName" . }}
    instance_config_map: {{ include "floe-platform.componentName" (dict "context" . "component" "dagster-instance") }}
    postgres_password_secret: {{ include "floe-platform.databaseSecret" . }}
    dagster_home: /opt/dagster/dagster_home
    image_pull_policy: {{ .Values.dagster.image.pullPolicy }}
    {{- with .Values.global.imagePullSecrets }}
    image_pull_secrets:
      {{- range . }}
      - name: {{ . | quote }}
      {{- end }}
    {{- end }}
    run_k8s_config:
      pod_template_spec_metadata:
        labels:
          floe.dev/release: {{ .Release.Name }}
          {{- with .Values.dagster.runs.podLabels }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
        {{- with .Values.dagster.runs.podAnnotations }}
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

{{- define "floe-platform.dagsterEnv" -}}
- name: DAGSTER_HOME
  value: /opt/dagster/dagster_home
- name: DAGSTER_PG_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ include "floe-platform.databaseSecret" . }}
      key: postgresql-password
{{- with include "floe-platform.otlpEndpoint" . }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .Values.global.environment }}
- name: FLOE_ENVIRONMENT
  value: {{ . | quote }}
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

{{/* (dict "context" $ "configMap" "name") */}}
{{- define "floe-platform.dagsterVolumes" -}}
- name: dagster-home
  emptyDir: {}
- name: dagster-instance
  configMap:
    name: {{ .configMap }}
- name: tmp
  emptyDir: {}
{{- end }}

{{- define "floe-platform.workspaceYaml" -}}
{{- with .Values.dagster.workspace.servers }}
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
