{{/*
Resources by preset. Requests follow the platform's data model (webserver, daemon, userCode, jobs); a limit is twice the
memory and two to five times the CPU. Components that the model does not know have rows of their own.
*/}}
{{- define "floe-platform.presets" -}}
small:
  webserver:
    requests: {cpu: 100m, memory: 256Mi}
    limits: {cpu: 500m, memory: 512Mi}
  daemon:
    requests: {cpu: 100m, memory: 256Mi}
    limits: {cpu: 500m, memory: 512Mi}
  userCode:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: 1000m, memory: 1Gi}
  jobs:
    requests: {cpu: 100m, memory: 256Mi}
    limits: {cpu: 500m, memory: 512Mi}
  polaris:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: 1000m, memory: 1Gi}
  postgresql:
    requests: {cpu: 100m, memory: 256Mi}
    limits: {cpu: 500m, memory: 512Mi}
  marquez:
    requests: {cpu: 100m, memory: 512Mi}
    limits: {cpu: 500m, memory: 1Gi}
  jaeger:
    requests: {cpu: 100m, memory: 256Mi}
    limits: {cpu: 500m, memory: 512Mi}
  grafana:
    requests: {cpu: 100m, memory: 128Mi}
    limits: {cpu: 500m, memory: 256Mi}
  web:
    requests: {cpu: 50m, memory: 64Mi}
    limits: {cpu: 250m, memory: 128Mi}
medium:
  webserver:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: 1000m, memory: 1Gi}
  daemon:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: 1000m, memory: 1Gi}
  userCode:
    requests: {cpu: 500m, memory: 1Gi}
    limits: {cpu: 1500m, memory: 2Gi}
  jobs:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: 1000m, memory: 1Gi}
  polaris:
    requests: {cpu: 500m, memory: 1Gi}
    limits: {cpu: 2000m, memory: 2Gi}
  postgresql:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: 1000m, memory: 1Gi}
  marquez:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: 1000m, memory: 1Gi}
  jaeger:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: 1000m, memory: 1Gi}
  grafana:
    requests: {cpu: 100m, memory: 256Mi}
    limits: {cpu: 500m, memory: 512Mi}
  web:
    requests: {cpu: 50m, memory: 128Mi}
    limits: {cpu: 250m, memory: 256Mi}
large:
  webserver:
    requests: {cpu: 500m, memory: 1Gi}
    limits: {cpu: 2000m, memory: 2Gi}
  daemon:
    requests: {cpu: 500m, memory: 1Gi}
    limits: {cpu: 2000m, memory: 2Gi}
  userCode:
    requests: {cpu: 1000m, memory: 2Gi}
    limits: {cpu: 4000m, memory: 4Gi}
  jobs:
    requests: {cpu: 500m, memory: 1Gi}
    limits: {cpu: 2000m, memory: 2Gi}
  polaris:
    requests: {cpu: 1000m, memory: 2Gi}
    limits: {cpu: 4000m, memory: 4Gi}
  postgresql:
    requests: {cpu: 500m, memory: 1Gi}
    limits: {cpu: 2000m, memory: 2Gi}
  marquez:
    requests: {cpu: 500m, memory: 1Gi}
    limits: {cpu: 2000m, memory: 2Gi}
  jaeger:
    requests: {cpu: 500m, memory: 1Gi}
    limits: {cpu: 2000m, memory: 2Gi}
  grafana:
    requests: {cpu: 250m, memory: 512Mi}
    limits: {cpu: 1000m, memory: 1Gi}
  web:
    requests: {cpu: 100m, memory: 256Mi}
    limits: {cpu: 500m, memory: 512Mi}
{{- end }}

{{/* The mapping that holds this environment, as YAML; empty while no environment is set. */}}
{{- define "floe-platform.mapping" -}}
{{- $environment := .Values.global.environment }}
{{- range $name, $mapping := .Values.clusterMapping }}
{{- if and $mapping $environment (has $environment $mapping.environments) }}
{{- toYaml $mapping }}
{{- end }}
{{- end }}
{{- end }}

{{/*
Resources of a component: its own where it sets any, else those of its row in the preset of this environment's mapping.
(dict "context" $ "row" "webserver" "resources" .Values.dagster.webserver.resources)
*/}}
{{- define "floe-platform.resources" -}}
{{- if .resources }}
{{- toYaml .resources }}
{{- else }}
{{- $mapping := include "floe-platform.mapping" .context | fromYaml }}
{{- $tier := default dict $mapping.resources }}
{{- $presets := include "floe-platform.presets" .context | fromYaml }}
{{- $preset := default "small" $tier.preset }}
{{- if eq $preset "custom" }}
{{- toYaml (default (index $presets.small .row) (index $tier .row)) }}
{{- else }}
{{- toYaml (index $presets $preset .row) }}
{{- end }}
{{- end }}
{{- end }}
