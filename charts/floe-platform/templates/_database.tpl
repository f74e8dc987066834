{{/* The database: the chart's own, or one that exists. */}}

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

{{/*
Secret with the key postgresql-password (the name is fixed: Dagster's run launcher reads it). An existing one, one that
the External Secrets operator makes, or the chart's own.
*/}}
{{- define "floe-platform.databaseSecret" -}}
{{- $existing := ternary .Values.postgresql.auth.existingSecret .Values.externalPostgresql.existingSecret .Values.postgresql.enabled }}
{{- if or $existing .Values.postgresql.enabled .Values.externalSecrets.enabled }}
{{- default (include "floe-platform.postgresqlName" .) $existing }}
{{- else }}
{{- fail "externalPostgresql.existingSecret is needed while postgresql.enabled is false (or externalSecrets.enabled)" }}
{{- end }}
{{- end }}

{{/* Names of the databases that the enabled components use, one a line. */}}
{{- define "floe-platform.databases" -}}
{{- $all := list }}
{{- range list .Values.dagster .Values.polaris .Values.marquez .Values.dbt }}
{{- if .enabled }}{{ $all = append $all .database }}{{ end }}
{{- end }}
{{- $all | uniq | join "\n" }}
{{- end }}

{{/* Environment for programs of PostgreSQL itself (psql, pg_isready, pg_dump). */}}
{{- define "floe-platform.pgEnv" -}}
- name: PGHOST
  value: {{ include "floe-platform.databaseHost" . | quote }}
- name: PGPORT
  value: {{ include "floe-platform.databasePort" . | quote }}
- name: PGUSER
  value: {{ include "floe-platform.databaseUser" . | quote }}
- name: PGCONNECT_TIMEOUT
  value: "5"
{{- if not .Values.postgresql.enabled }}
- name: PGSSLMODE
  value: {{ .Values.externalPostgresql.sslMode | quote }}
{{- end }}
{{- end }}

{{/* One environment variable that holds the password. (dict "context" $ "name" "PGPASSWORD") */}}
{{- define "floe-platform.passwordEnv" -}}
- name: {{ .name }}
  valueFrom:
    secretKeyRef:
      name: {{ include "floe-platform.databaseSecret" .context }}
      key: postgresql-password
{{- end }}

{{/* (dict "context" $ "database" "polaris") */}}
{{- define "floe-platform.jdbcUrl" -}}
jdbc:postgresql://{{ include "floe-platform.databaseHost" .context }}:{{ include "floe-platform.databasePort" .context }}/{{ .database }}
{{- if not .context.Values.postgresql.enabled }}?sslmode={{ .context.Values.externalPostgresql.sslMode }}{{ end }}
{{- end }}
