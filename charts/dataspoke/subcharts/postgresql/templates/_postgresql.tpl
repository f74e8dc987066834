{{- define "dataspoke.postgresql.secretName" -}}
{{- default (include "dataspoke.componentName" (dict "context" . "component" "postgresql")) .Values.auth.existingSecret }}
{{- end }}
