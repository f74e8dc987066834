{{- define "otel-collector.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The release's name where it names the chart already, else release and chart. */}}
{{- define "otel-collector.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- $name := include "otel-collector.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "otel-collector.selectorLabels" -}}
app.kubernetes.io/name: {{ include "otel-collector.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "otel-collector.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "otel-collector.selectorLabels" . }}
app.kubernetes.io/component: telemetry
app.kubernetes.io/version: {{ .Chart.AppVersion | replace "+" "_" | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/part-of: floe
{{- with (.Values.global).environment }}
floe.dev/environment: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "otel-collector.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "otel-collector.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "otel-collector.image" -}}
{{- $image := .Values.image }}
{{- $registry := default $image.registry (.Values.global).imageRegistry }}
{{- $name := $image.repository }}
{{- if $registry }}{{ $name = printf "%s/%s" $registry $image.repository }}{{ end }}
{{- if $image.digest }}{{ printf "%s@%s" $name $image.digest }}{{ else }}{{ printf "%s:%s" $name (default .Chart.AppVersion $image.tag) }}{{ end }}
{{- end }}

{{- define "otel-collector.resources" -}}
{{- if .Values.resources }}
{{- toYaml .Values.resources }}
{{- else -}}
requests:
  cpu: 100m
  memory: 256Mi
limits:
  cpu: 500m
  memory: 512Mi
{{- end }}
{{- end }}

{{/*
The collector's configuration. Credentials appear as ${env:NAME} only; the Deployment fills the variables from Secrets.
Exporters go by their current names: otlp_grpc and otlp_http (otlp and otlphttp are deprecated aliases).
*/}}
{{- define "otel-collector.config" -}}
{{- $e := .Values.exporters }}
{{- $exporters := dict }}
{{- $extensions := dict "health_check" (dict "endpoint" "${env:MY_POD_IP}:13133") }}
{{- $traces := list }}
{{- $metrics := list }}
{{- $logs := list }}
{{- if $e.debug.enabled }}
{{- $_ := set $exporters "debug" (dict "verbosity" $e.debug.verbosity) }}
{{- $traces = append $traces "debug" }}{{ $metrics = append $metrics "debug" }}{{ $logs = append $logs "debug" }}
{{- end }}
{{- if $e.otlp.enabled }}
{{- $endpoint := required "exporters.otlp.endpoint is needed while exporters.otlp.enabled is true" $e.otlp.endpoint }}
{{- $_ := set $exporters "otlp_grpc" (dict "endpoint" (tpl $endpoint .) "timeout" $e.timeout "tls" (dict "insecure" $e.otlp.insecure)) }}
{{- $traces = append $traces "otlp_grpc" }}{{ $metrics = append $metrics "otlp_grpc" }}{{ $logs = append $logs "otlp_grpc" }}
{{- end }}
{{- if $e.jaeger.enabled }}
{{- $endpoint := required "exporters.jaeger.endpoint is needed while exporters.jaeger.enabled is true" $e.jaeger.endpoint }}
{{- $_ := set $exporters "otlp_grpc/jaeger" (dict "endpoint" (tpl $endpoint .) "timeout" $e.timeout "tls" (dict "insecure" $e.jaeger.insecure)) }}
{{- $traces = append $traces "otlp_grpc/jaeger" }}
{{- end }}
{{- if $e.datadog.enabled }}
{{- $_ := required "exporters.datadog.existingSecret is needed while exporters.datadog.enabled is true" $e.datadog.existingSecret }}
{{- $_ := set $exporters "datadog" (dict "timeout" $e.timeout "api" (dict "site" $e.datadog.site "key" "${env:DATADOG_API_KEY}")) }}
{{- $traces = append $traces "datadog" }}{{ $metrics = append $metrics "datadog" }}{{ $logs = append $logs "datadog" }}
{{- end }}
{{- if $e.grafanaCloud.enabled }}
{{- $endpoint := required "exporters.grafanaCloud.endpoint is needed while exporters.grafanaCloud.enabled is true" $e.grafanaCloud.endpoint }}
{{- $_ := required "exporters.grafanaCloud.existingSecret is needed while exporters.grafanaCloud.enabled is true" $e.grafanaCloud.existingSecret }}
{{- $_ := set $exporters "otlp_http/grafana_cloud" (dict "endpoint" $endpoint "timeout" $e.timeout "auth" (dict "authenticator" "basicauth/grafana_cloud")) }}
{{- $_ := set $extensions "basicauth/grafana_cloud" (dict "client_auth" (dict "username" "${env:GRAFANA_CLOUD_INSTANCE_ID}" "password" "${env:GRAFANA_CLOUD_TOKEN}")) }}
{{- $traces = append $traces "otlp_http/grafana_cloud" }}{{ $metrics = append $metrics "otlp_http/grafana_cloud" }}{{ $logs = append $logs "otlp_http/grafana_cloud" }}
{{- end }}
{{- if $e.prometheus.enabled }}
{{- $_ := set $exporters "prometheus" (dict "endpoint" (printf "${env:MY_POD_IP}:%d" (int $e.prometheus.port))) }}
{{- $metrics = append $metrics "prometheus" }}
{{- end }}
{{- if not $exporters }}
{{- fail "otel-collector: enable at least one of exporters.debug, otlp, jaeger, datadog, grafanaCloud, prometheus" }}
{{- end }}
{{- $c := .Values.config }}
{{- $processors := dict
      "memory_limiter" (dict "check_interval" "5s" "limit_percentage" (int $c.memoryLimiter.limitPercentage) "spike_limit_percentage" (int $c.memoryLimiter.spikeLimitPercentage))
      "batch" (dict "send_batch_size" (int $c.batch.sendBatchSize) "timeout" $c.batch.timeout) }}
{{- $tracesProcessors := list "memory_limiter" "batch" }}
{{- if lt (float64 $c.sampling.percentage) 100.0 }}
{{- $_ := set $processors "probabilistic_sampler" (dict "sampling_percentage" (float64 $c.sampling.percentage)) }}
{{- $tracesProcessors = list "memory_limiter" "probabilistic_sampler" "batch" }}
{{- end }}
{{- $pipelines := dict }}
{{- if $traces }}{{ $_ := set $pipelines "traces" (dict "receivers" (list "otlp") "processors" $tracesProcessors "exporters" $traces) }}{{ end }}
{{- if $metrics }}{{ $_ := set $pipelines "metrics" (dict "receivers" (list "otlp") "processors" (list "memory_limiter" "batch") "exporters" $metrics) }}{{ end }}
{{- if $logs }}{{ $_ := set $pipelines "logs" (dict "receivers" (list "otlp") "processors" (list "memory_limiter" "batch") "exporters" $logs) }}{{ end }}
{{- $config := dict
      "receivers" (dict "otlp" (dict "protocols" (dict "grpc" (dict "endpoint" "${env:MY_POD_IP}:4317") "http" (dict "endpoint" "${env:MY_POD_IP}:4318"))))
      "processors" $processors
      "exporters" $exporters
      "extensions" $extensions
      "service" (dict
        "extensions" (keys $extensions | sortAlpha)
        "pipelines" $pipelines
        "telemetry" (dict
          "logs" (dict "level" $c.logLevel)
          "metrics" (dict "readers" (list (dict "pull" (dict "exporter" (dict "prometheus" (dict "host" "${env:MY_POD_IP}" "port" 8888)))))))) }}
{{- mustMergeOverwrite $config (deepCopy .Values.extraConfig) | toYaml }}
{{- end }}
