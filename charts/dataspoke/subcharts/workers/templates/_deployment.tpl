{{/* Rendered by the umbrella, in its templates/workloads. */}}
{{- define "dataspoke.workers.workload" -}}
{{- include "dataspoke.app.deployment" (dict "context" . "component" "workers") }}
{{- end }}
