{{/*
The collector's configuration. Credentials appear as ${env:NAME} only; the Deployment fills the variables from Secrets.
Components go by their current names: otlp_grpc and otlp_http (otlp and otlphttp are deprecated aliases of exporters).
*/}}
{{- define "otel-collector.config" -}}
{{- $e := .Values.exporters }}
{{- $c := .Values.config }}
{{- $p := .Values.pipelines }}
{{- $exporters := dict }}
{{- $connectors := dict }}
{{- $extensions := dict "health_check" (dict "endpoint" "${env:MY_POD_IP}:13133") }}
{{- /* What every exporter over the network has in common. */}}
{{- $retry := dict "enabled" $e.retry.enabled }}
{{- if $e.retry.enabled }}
{{- $retry = dict "enabled" true "initial_interval" $e.retry.initialInterval "max_interval" $e.retry.maxInterval "max_elapsed_time" $e.retry.maxElapsedTime }}
{{- end }}
{{- $queue := dict "enabled" $e.queue.enabled }}
{{- if $e.queue.enabled }}
{{- $queue = dict "enabled" true "queue_size" (int $e.queue.size) "num_consumers" (int $e.queue.consumers) }}
{{- end }}
{{- $common := dict "timeout" $e.timeout "retry_on_failure" $retry "sending_queue" $queue }}
{{- /* Exporters of each signal, in a fixed order. */}}
{{- $of := dict "traces" list "metrics" list "logs" list }}
{{- if $e.debug.enabled }}
{{- $_ := set $exporters "debug" (dict "verbosity" $e.debug.verbosity) }}
{{- range $e.debug.signals }}{{ $_ := set $of . (append (get $of .) "debug") }}{{ end }}
{{- end }}
{{- if $e.otlp.enabled }}
{{- $name := ternary "otlp_http" "otlp_grpc" (eq $e.otlp.protocol "http") }}
{{- $tls := dict "insecure" $e.otlp.insecure }}
{{- if $e.otlp.caSecret.name }}{{ $_ := set $tls "ca_file" (printf "/etc/otel-collector/ca/%s" $e.otlp.caSecret.key) }}{{ end }}
{{- $exporter := merge (dict "endpoint" (tpl $e.otlp.endpoint .) "tls" $tls) (deepCopy $common) }}
{{- if $e.otlp.headers }}
{{- $headers := dict }}
{{- range $index, $header := $e.otlp.headers }}{{ $_ := set $headers $header.name (printf "${env:OTLP_HEADER_%d}" $index) }}{{ end }}
{{- $_ := set $exporter "headers" $headers }}
{{- end }}
{{- $_ := set $exporters $name $exporter }}
{{- range $e.otlp.signals }}{{ $_ := set $of . (append (get $of .) $name) }}{{ end }}
{{- end }}
{{- if $e.jaeger.enabled }}
{{- $_ := set $exporters "otlp_grpc/jaeger" (merge (dict "endpoint" (tpl $e.jaeger.endpoint .) "tls" (dict "insecure" $e.jaeger.insecure)) (deepCopy $common)) }}
{{- $_ := set $of "traces" (append $of.traces "otlp_grpc/jaeger") }}
{{- end }}
{{- if $e.datadog.enabled }}
{{- $_ := set $exporters "datadog" (merge (dict "api" (dict "site" $e.datadog.site "key" "${env:DATADOG_API_KEY}")) (deepCopy $common)) }}
{{- range $e.datadog.signals }}{{ $_ := set $of . (append (get $of .) "datadog") }}{{ end }}
{{- end }}
{{- if $e.grafanaCloud.enabled }}
{{- $_ := set $exporters "otlp_http/grafana_cloud" (merge (dict "endpoint" $e.grafanaCloud.endpoint "auth" (dict "authenticator" "basicauth/grafana_cloud")) (deepCopy $common)) }}
{{- $_ := set $extensions "basicauth/grafana_cloud" (dict "client_auth" (dict "username" "${env:GRAFANA_CLOUD_INSTANCE_ID}" "password" "${env:GRAFANA_CLOUD_TOKEN}")) }}
{{- range $e.grafanaCloud.signals }}{{ $_ := set $of . (append (get $of .) "otlp_http/grafana_cloud") }}{{ end }}
{{- end }}
{{- if $e.prometheus.enabled }}
{{- $prometheus := dict "endpoint" (printf "${env:MY_POD_IP}:%d" (int $e.prometheus.port)) "metric_expiration" $e.prometheus.metricExpiration }}
{{- if $e.prometheus.resourceAttributesAsLabels }}{{ $_ := set $prometheus "resource_to_telemetry_conversion" (dict "enabled" true) }}{{ end }}
{{- $_ := set $exporters "prometheus" $prometheus }}
{{- $_ := set $of "metrics" (append $of.metrics "prometheus") }}
{{- end }}
{{- /* Processors: the memory limiter first, the batch last. */}}
{{- $batch := dict "send_batch_size" (int $c.batch.sendBatchSize) "timeout" $c.batch.timeout }}
{{- if $c.batch.sendBatchMaxSize }}{{ $_ := set $batch "send_batch_max_size" (int $c.batch.sendBatchMaxSize) }}{{ end }}
{{- $processors := dict
      "memory_limiter" (dict "check_interval" $c.memoryLimiter.checkInterval "limit_percentage" (int $c.memoryLimiter.limitPercentage) "spike_limit_percentage" (int $c.memoryLimiter.spikeLimitPercentage))
      "batch" $batch }}
{{- $first := list "memory_limiter" }}
{{- if $c.resourceAttributes }}
{{- $attributes := list }}
{{- range $key, $value := $c.resourceAttributes }}{{ $attributes = append $attributes (dict "key" $key "value" $value "action" "upsert") }}{{ end }}
{{- $_ := set $processors "resource" (dict "attributes" $attributes) }}
{{- $first = append $first "resource" }}
{{- end }}
{{- $sampling := list }}
{{- if eq $c.sampling.mode "tail" }}
{{- $policies := list }}
{{- if $c.sampling.tail.keepErrors }}{{ $policies = append $policies (dict "name" "errors" "type" "status_code" "status_code" (dict "status_codes" (list "ERROR"))) }}{{ end }}
{{- if $c.sampling.tail.keepSlowerThan }}{{ $policies = append $policies (dict "name" "slow" "type" "latency" "latency" (dict "threshold_ms" (int $c.sampling.tail.keepSlowerThan))) }}{{ end }}
{{- $policies = append $policies (dict "name" "share" "type" "probabilistic" "probabilistic" (dict "sampling_percentage" (float64 $c.sampling.percentage))) }}
{{- $_ := set $processors "tail_sampling" (dict "decision_wait" $c.sampling.tail.decisionWait "num_traces" (int $c.sampling.tail.maxTraces) "policies" $policies) }}
{{- $sampling = list "tail_sampling" }}
{{- else if lt (float64 $c.sampling.percentage) 100.0 }}
{{- $_ := set $processors "probabilistic_sampler" (dict "sampling_percentage" (float64 $c.sampling.percentage)) }}
{{- $sampling = list "probabilistic_sampler" }}
{{- end }}
{{- /* Pipelines. */}}
{{- $pipelines := dict }}
{{- range $signal := list "traces" "metrics" "logs" }}
{{- $pipeline := get $p $signal }}
{{- $to := concat (get $of $signal) $pipeline.extraExporters }}
{{- if and $pipeline.enabled $to }}
{{- $_ := set $pipelines $signal (dict
      "receivers" (concat (list "otlp") $pipeline.extraReceivers)
      "processors" (concat $first (ternary $sampling list (eq $signal "traces")) $pipeline.extraProcessors (list "batch"))
      "exporters" $to) }}
{{- else if and $pipeline.enabled (or $pipeline.extraReceivers $pipeline.extraProcessors) }}
{{- fail (printf "otel-collector: pipelines.%s names components of its own but no exporter carries %s: enable one whose signals hold %s, or name one in pipelines.%s.extraExporters" $signal $signal $signal $signal) }}
{{- end }}
{{- end }}
{{- if and $e.datadog.enabled $e.datadog.apmStats (has "datadog" (default list ($pipelines.traces).exporters)) }}
{{- /* Statistics of all traces, the ones too that sampling drops. */}}
{{- $_ := set $connectors "datadog/apm_stats" dict }}
{{- $_ := set $pipelines "traces/apm_stats" (dict "receivers" $pipelines.traces.receivers "processors" (append $first "batch") "exporters" (list "datadog/apm_stats")) }}
{{- $_ := set $pipelines "metrics/apm_stats" (dict "receivers" (list "datadog/apm_stats") "processors" (list "memory_limiter" "batch") "exporters" (list "datadog")) }}
{{- end }}
{{- $protocols := dict }}
{{- if .Values.receivers.otlp.grpc.enabled }}
{{- $_ := set $protocols "grpc" (dict "endpoint" "${env:MY_POD_IP}:4317" "max_recv_msg_size_mib" (int .Values.receivers.otlp.grpc.maxMessageSizeMiB)) }}
{{- end }}
{{- if .Values.receivers.otlp.http.enabled }}
{{- $http := dict "endpoint" "${env:MY_POD_IP}:4318" }}
{{- with .Values.receivers.otlp.http.corsAllowedOrigins }}{{ $_ := set $http "cors" (dict "allowed_origins" .) }}{{ end }}
{{- $_ := set $protocols "http" $http }}
{{- end }}
{{- $config := dict
      "receivers" (dict "otlp" (dict "protocols" $protocols))
      "processors" $processors
      "exporters" $exporters
      "extensions" $extensions
      "service" (dict
        "extensions" (keys $extensions | sortAlpha)
        "pipelines" $pipelines
        "telemetry" (dict
          "logs" (dict "level" $c.logLevel)
          "metrics" (dict "readers" (list (dict "pull" (dict "exporter" (dict "prometheus" (dict "host" "${env:MY_POD_IP}" "port" 8888)))))))) }}
{{- if $connectors }}{{ $_ := set $config "connectors" $connectors }}{{ end }}
{{- mustMergeOverwrite $config (deepCopy .Values.extraConfig) | toYaml }}
{{- end }}

{{/*
Places in a configuration that hold a credential in plain text, one per line: keys that name one, with a text that refers to
no variable or file. (dict "at" "extraConfig" "value" …)
*/}}
{{- define "otel-collector.literalSecrets" -}}
{{- $at := .at }}
{{- if kindIs "map" .value }}
{{- range $key, $value := .value }}
{{- $place := printf "%s.%s" $at $key }}
{{- if kindIs "string" $value }}
{{- if and (regexMatch "(^|[_.-])(password|passwd|passphrase|pass|secret|token|api_?key|private_?key|access_?key|key_?pem|credentials?|authorization)$|^key$" (snakecase $key | replace "-" "_")) $value (not (regexMatch "\\$\\{(env|file):" $value)) (not (and (eq $key "key") (regexMatch "\\.attributes\\[|\\.actions\\[" $place))) }}
{{ $place }}
{{- end }}
{{- else }}
{{- include "otel-collector.literalSecrets" (dict "at" $place "value" $value) }}
{{- end }}
{{- end }}
{{- else if kindIs "slice" .value }}
{{- range $index, $value := .value }}
{{- include "otel-collector.literalSecrets" (dict "at" (printf "%s[%d]" $at $index) "value" $value) }}
{{- end }}
{{- end }}
{{- end }}
