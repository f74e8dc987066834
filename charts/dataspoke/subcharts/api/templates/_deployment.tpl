{{/* Rendered by the umbrella, in its templates/workloads. */}}
{{- define "dataspoke.api.workload" -}}
{{- include "dataspoke.app.deployment" (dict "context" . "component" "api" "port" 8000) }}
{{- end }}
