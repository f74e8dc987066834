{{/* Environment of a container that runs dbt with this ConfigMap. */}}
{{- define "floe-platform.dbtEnv" -}}
{{ include "floe-platform.passwordEnv" (dict "context" . "name" "DBT_ENV_SECRET_PASSWORD") }}
- name: DBT_TARGET_PATH
  value: /tmp/dbt-target
- name: DBT_LOG_PATH
  value: /tmp/dbt-logs
{{- with .Values.dbt.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
