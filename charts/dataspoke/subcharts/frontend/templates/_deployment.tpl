{{/* Rendered by the umbrella, in its templates/workloads. */}}
{{- define "dataspoke.frontend.workload" -}}
{{- include "dataspoke.app.deployment" (dict "context" . "component" "frontend" "port" 3000) }}
{{- end }}
