{{/* How the release's environment is isolated: namespace, label, or nothing while no environment is set. */}}
{{- define "floe-platform.isolation" -}}
{{- $mapping := include "floe-platform.mapping" . | fromYaml }}
{{- if $mapping }}{{ default "namespace" $mapping.isolation }}{{ end }}
{{- end }}

{{/* Namespace of an environment by its mapping. (dict "mapping" $mapping "environment" "dev") */}}
{{- define "floe-platform.environmentNamespace" -}}
{{- regexReplaceAll "\\{\\{\\s*\\.environment\\s*\\}\\}" (default "floe-{{.environment}}" .mapping.namespaceTemplate) .environment }}
{{- end }}

{{/* Pods of this release, and the run pods that Dagster starts (they carry floe.dev/release only), as policy peers. */}}
{{- define "floe-platform.ownPods" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/instance: {{ .Release.Name }}
- podSelector:
    matchLabels:
      floe.dev/release: {{ .Release.Name }}
{{- end }}

{{/*
Pods of this environment, as policy peers: all of its namespace, those with its label where environments share one, and
this release's while no environment is set.
*/}}
{{- define "floe-platform.environmentPods" -}}
{{- $isolation := include "floe-platform.isolation" . }}
{{- if eq $isolation "namespace" -}}
- podSelector: {}
{{- else if eq $isolation "label" -}}
- podSelector:
    matchLabels:
      floe.dev/environment: {{ .Values.global.environment }}
{{- else }}
{{- include "floe-platform.ownPods" . }}
{{- end }}
{{- end }}
