{{/* Which backends run. Each prints true or nothing. */}}

{{- define "floe-platform.jaegerEnabled" -}}
{{- if and .Values.observability.enabled .Values.jaeger.enabled }}true{{ end }}
{{- end }}
{{- define "floe-platform.grafanaEnabled" -}}
{{- if and .Values.observability.enabled .Values.grafana.enabled }}true{{ end }}
{{- end }}

{{/* The collector is a subchart; helm drops it where its condition is false. */}}
{{- define "floe-platform.collectorEnabled" -}}
{{- if hasKey .Subcharts "otel-collector" }}true{{ end }}
{{- end }}
{{- define "floe-platform.collectorName" -}}
{{- include "otel-collector.fullname" (index .Subcharts "otel-collector") }}
{{- end }}

{{/* Endpoint (OTLP over gRPC) of the collector, or of one elsewhere; empty sends no telemetry. */}}
{{- define "floe-platform.otlpEndpoint" -}}
{{- if include "floe-platform.collectorEnabled" . }}
{{- printf "http://%s:4317" (include "floe-platform.collectorName" .) }}
{{- else }}
{{- .Values.otlpEndpoint }}
{{- end }}
{{- end }}

{{/* Where lineage goes; empty sends none. */}}
{{- define "floe-platform.lineageEndpoint" -}}
{{- if .Values.marquez.enabled }}
{{- printf "http://%s:%v" (include "floe-platform.marquezName" .) .Values.marquez.service.port }}
{{- else }}
{{- .Values.lineageEndpoint }}
{{- end }}
{{- end }}

{{/* Environment variables of programs that send telemetry and lineage, as a map. */}}
{{- define "floe-platform.telemetryVariables" -}}
{{- with include "floe-platform.otlpEndpoint" . }}
OTEL_EXPORTER_OTLP_ENDPOINT: {{ . | quote }}
{{- end }}
{{- with include "floe-platform.lineageEndpoint" . }}
OPENLINEAGE_URL: {{ . | quote }}
OPENLINEAGE_NAMESPACE: {{ default $.Release.Namespace $.Values.global.environment | quote }}
{{- end }}
{{- with .Values.global.environment }}
FLOE_ENVIRONMENT: {{ . | quote }}
{{- end }}
{{- end }}
