{{/* Jaeger 2 is a collector distribution: it takes OTLP and is configured like one. */}}
{{- define "floe-platform.jaegerYaml" -}}
{{- with .Values.jaeger -}}
service:
  extensions: [healthcheckv2, jaeger_storage, jaeger_query]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, batch]
      exporters: [jaeger_storage_exporter]
  telemetry:
    logs:
      level: {{ .logLevel }}
    metrics:
      readers:
        - pull:
            exporter:
              prometheus:
                host: 0.0.0.0
                port: 8888
extensions:
  healthcheckv2:
    use_v2: true
    http:
      endpoint: 0.0.0.0:13133
  jaeger_query:
    {{- with .basePath }}
    base_path: {{ . | quote }}
    {{- end }}
    storage:
      traces: main
    http:
      endpoint: 0.0.0.0:16686
    grpc:
      endpoint: 0.0.0.0:16685
  jaeger_storage:
    backends:
      main:
        {{- if eq .storage.type "memory" }}
        memory:
          max_traces: {{ .storage.maxTraces }}
        {{- else }}
        badger:
          directories:
            keys: /badger/keys
            values: /badger/values
          ephemeral: false
          ttl:
            spans: {{ .storage.retention }}
        {{- end }}
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 0.0.0.0:4317
      http:
        endpoint: 0.0.0.0:4318
processors:
  memory_limiter:
    check_interval: 5s
    limit_percentage: 80
    spike_limit_percentage: 25
  batch: {}
exporters:
  jaeger_storage_exporter:
    trace_storage: main
{{- end }}
{{- end }}
