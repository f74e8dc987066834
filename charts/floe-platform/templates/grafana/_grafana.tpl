{{/* Data sources as Grafana provisions them. Credentials are environment variables, filled in by Grafana. */}}
{{- define "floe-platform.grafanaDatasources" -}}
{{- $sources := .Values.grafana.datasources }}
apiVersion: 1
prune: true
datasources:
  {{- if include "floe-platform.jaegerEnabled" . }}
  - name: Traces
    uid: floe-traces
    type: jaeger
    access: proxy
    url: {{ printf "http://%s:%v%s" (include "floe-platform.jaegerName" .) .Values.jaeger.service.port .Values.jaeger.basePath | quote }}
  {{- end }}
  {{- with $sources.prometheusUrl }}
  - name: Metrics
    uid: floe-metrics
    type: prometheus
    access: proxy
    isDefault: true
    url: {{ . | quote }}
  {{- end }}
  {{- with $sources.dagster }}
  {{- if .enabled }}
  - name: Dagster
    uid: floe-dagster
    type: grafana-postgresql-datasource
    access: proxy
    url: {{ printf "%s:%v" (include "floe-platform.databaseHost" $) (include "floe-platform.databasePort" $) | quote }}
    user: {{ .username | quote }}
    jsonData:
      database: {{ $.Values.dagster.database | quote }}
      sslmode: {{ ternary "disable" $.Values.externalPostgresql.sslMode $.Values.postgresql.enabled | quote }}
    secureJsonData:
      password: $__env{DAGSTER_DATABASE_PASSWORD}
  {{- end }}
  {{- end }}
  {{- with $sources.extra }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "floe-platform.grafanaSecret" -}}
{{- default (include "floe-platform.grafanaName" .) .Values.grafana.auth.existingSecret }}
{{- end }}
